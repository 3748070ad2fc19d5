//! A lobby, leaf or region, as its Durable Object runs it (`lobby_object.rs`): the whole production [`Lobby`], and a clock that is off. It stores nothing, so a
//! lost one is a new one.
//!
//! Each has a number: first the leaves, behind them the regions, behind these those that live beside them while a lobby lives twice.

use durable::lobby::{About, Caller, Due, Lobby, Said, Wanted};
use durable::token::Keys;
use durable::units::Millis;

use super::edge::skewed;

/// See the module's words.
pub(super) struct LobbyHost {
    /// Grows when its memory is lost: what was under way then concerns it no more.
    pub(super) life: u64,
    /// When it wants to be woken.
    pub(super) wakes_at: Option<Millis>,
    /// How far its clock is off.
    pub(super) skew: i64,
    lobby: Lobby,
}

impl LobbyHost {
    /// One whose memory begins now.
    pub(super) fn new(name: &str, keys: &Keys, life: u64, skew: i64, incarnation: [u8; 16]) -> LobbyHost {
        let lobby = Lobby::new(name, keys.clone(), incarnation);
        let lobby = lobby.unwrap_or_else(|| panic!("{name} is no lobby's name"));
        LobbyHost { life, wakes_at: None, skew, lobby }
    }

    /// Its clock.
    pub(super) fn clock(&self, now: Millis) -> Millis {
        skewed(now, self.skew)
    }

    /// Somebody asks: the answer, if it is known right away.
    pub(super) fn ask(&mut self, now: Millis, call: Caller, wanted: Wanted<'_>) -> Option<Said> {
        let clock = self.clock(now);
        self.lobby.ask(clock, call, wanted)
    }

    /// What is to be called.
    pub(super) fn due(&mut self, now: Millis) -> Due {
        let clock = self.clock(now);
        self.lobby.due(clock)
    }

    /// The parent replied, or did not. Which calls are answered how.
    pub(super) fn heard(
        &mut self,
        now: Millis,
        about: About,
        said: &Said,
        fresh: [u8; 16],
    ) -> Vec<(Caller, Said)> {
        let clock = self.clock(now);
        let mut answered = self.lobby.heard(clock, about, said, fresh);
        // One that gives up tells everybody in an order of its own; here one run is like the other.
        answered.sort_by_key(|(call, _)| *call);
        answered
    }
}
