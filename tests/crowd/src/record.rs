//! What one visitor lived through, written down as it was heard: when, which place, when seen as called, whether a
//! turn that was told was kept, what went wrong. It judges one thing alone, whether a told turn was honoured, because
//! that is between two answers to the same visitor; all else is [`crate::audit`]'s and [`crate::verdict`]'s.

use crate::heard::{Asked, Heard, State};
use crate::moment::Moment;
use std::collections::BTreeMap;

/// A turn has to be honoured if it is taken so soon after it was told. The shortest claim window is 10 s and nobody is
/// told to poll later than after half of it, so at least half is left when a place is first seen as called.
pub const TURN_HOLDS_MS: u64 = 5_000;

/// How a walk ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum End {
    /// It has not.
    #[default]
    Walking,
    /// Got in, and was through at the end.
    Through,
    /// Lost patience in line, and pressed the button or just went.
    GaveUp,
    /// Was told that nothing more would happen, in this state.
    TurnedAway(String),
    /// Was still in line when the time was up.
    OutOfTime,
}

/// A turn that was told and not honoured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokenTurn {
    /// Whose, if known.
    pub place: Option<u64>,
    /// What was said instead.
    pub state: String,
    /// Milliseconds between telling and asking.
    pub asked_after_ms: u64,
}

/// What one visitor lived through.
#[derive(Clone, Debug, Default)]
pub struct Life {
    /// First request sent.
    pub arrived: Moment,
    /// First told a place.
    pub placed: Option<Moment>,
    /// The place, from 1 on.
    pub place: Option<u64>,
    /// Another place that was told later, which must not be.
    pub moved_to: Option<u64>,
    /// The newest request that was answered *waiting*: when it was sent.
    pub uncalled_asked: Option<Moment>,
    /// First seen as called: when that answer came.
    pub called_heard: Option<Moment>,
    /// First answered by the origin.
    pub admitted: Option<Moment>,
    /// About to say goodbye to the shop.
    pub leaving: Option<Moment>,
    /// Bought something.
    pub bought: Option<Moment>,
    /// The seat or place was given up, and Anteroom said so.
    pub gave_back: Option<Moment>,
    /// Told *next* although it had been told *your turn*.
    pub put_off: u32,
    /// Turns that were not honoured.
    pub broken_turns: Vec<BrokenTurn>,
    /// Every state told, and how often.
    pub states: BTreeMap<String, u64>,
    /// What went wrong, in words, and how often.
    pub faults: BTreeMap<String, u64>,
    /// How it ended.
    pub end: End,
    /// Told *your turn*, and not asked since.
    pub turn_told: Option<Moment>,
}

impl Life {
    /// Writes down what was heard, by somebody not inside yet, in answer to a request sent at `sent`.
    pub fn hear(&mut self, asked: Asked, sent: Moment, at: Moment, heard: &Heard) {
        match heard {
            Heard::Nothing(failure) => self.fault(failure.name().to_owned()),
            Heard::Origin { status } => self.hear_origin(asked, at, *status),
            Heard::Ours(told) => {
                *self.states.entry(told.state.name().to_owned()).or_default() += 1;
                if asked == Asked::Navigate {
                    self.hear_refusal(sent, &told.state);
                }
                self.hear_place(at, told.place);
                match told.state {
                    State::Waiting => self.uncalled_asked = self.uncalled_asked.max(Some(sent)),
                    State::YourTurn | State::Next => {
                        self.called_heard.get_or_insert(at);
                    }
                    _ => {}
                }
                // Whoever is told either goes there, and has to be let in.
                let promised = matches!(told.state, State::YourTurn | State::Admitted);
                if promised && asked != Asked::Navigate {
                    self.turn_told = Some(at);
                }
            }
        }
    }

    /// Writes down what was heard at `path` by somebody inside.
    pub fn hear_inside(&mut self, path: &str, heard: &Heard) {
        match heard {
            Heard::Origin { status } if *status >= 400 => self.fault(format!("{path} answered {status}")),
            Heard::Origin { .. } => {}
            Heard::Ours(told) => self.fault(format!("put out while inside: {} at {path}", told.state.name())),
            Heard::Nothing(failure) => self.fault(failure.name().to_owned()),
        }
    }

    /// Writes down what leaving was answered with. The origin answers only where there is no Anteroom before it.
    pub fn hear_leaving(&mut self, at: Moment, heard: &Heard) {
        match heard {
            Heard::Ours(told) if told.state.name() == "left" => self.gave_back = Some(at),
            Heard::Ours(told) => self.fault(format!("leaving was answered {}", told.state.name())),
            Heard::Origin { status } if *status >= 500 => {
                self.fault(format!("leaving was answered {status}"));
            }
            Heard::Origin { .. } => {}
            Heard::Nothing(failure) => self.fault(failure.name().to_owned()),
        }
    }

    /// Counts something that went wrong.
    pub fn fault(&mut self, what: String) {
        *self.faults.entry(what).or_default() += 1;
    }

    fn hear_origin(&mut self, asked: Asked, at: Moment, status: u16) {
        match asked {
            Asked::Navigate => {
                self.admitted.get_or_insert(at);
                self.turn_told = None;
            }
            // The script was let in: the browser, which follows, has to be.
            Asked::Join => self.turn_told = Some(at),
            Asked::Stand => self.fault(format!("the origin answered Anteroom's own path with {status}")),
        }
        if status >= 500 {
            self.fault(format!("the origin answered {status}"));
        }
    }

    fn hear_refusal(&mut self, sent: Moment, state: &State) {
        let Some(told) = self.turn_told.take() else { return };
        let asked_after_ms = sent.since_ms(told);
        if *state == State::Next {
            self.put_off += 1;
        } else if asked_after_ms <= TURN_HOLDS_MS {
            self.broken_turns.push(BrokenTurn {
                place: self.place,
                state: state.name().to_owned(),
                asked_after_ms,
            });
        }
    }

    fn hear_place(&mut self, at: Moment, place: Option<u64>) {
        match (place, self.place) {
            (Some(_), None) => (self.place, self.placed) = (place, Some(at)),
            (Some(new), Some(known)) if new != known => self.moved_to = Some(new),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::heard::{Failure, Told};

    fn told(state: State, place: u64) -> Heard {
        Heard::Ours(Told { state, place: Some(place), poll_after: None })
    }

    fn lived(events: &[(Asked, u64, Heard)]) -> Life {
        let mut life = Life::default();
        for (asked, sent, heard) in events {
            life.hear(*asked, Moment(*sent), Moment(sent + 10), heard);
        }
        life
    }

    #[test]
    fn a_wait_is_written_down_with_the_times_that_the_audit_needs() {
        let life = lived(&[
            (Asked::Join, 100, told(State::Waiting, 7)),
            (Asked::Stand, 2_000, told(State::Waiting, 7)),
            (Asked::Stand, 4_000, told(State::YourTurn, 7)),
            (Asked::Navigate, 4_020, Heard::Origin { status: 200 }),
        ]);
        assert_eq!((life.place, life.placed), (Some(7), Some(Moment(110))));
        assert_eq!(life.uncalled_asked, Some(Moment(2_000)), "when it was sent");
        assert_eq!(life.called_heard, Some(Moment(4_010)), "when it was heard");
        assert_eq!(life.admitted, Some(Moment(4_030)));
        assert!(life.broken_turns.is_empty() && life.faults.is_empty());
        assert_eq!(life.states["waiting"], 2);
    }

    #[test]
    fn a_turn_that_is_not_honoured_is_one_unless_it_was_taken_late_or_put_off() {
        let turn = (Asked::Stand, 0, told(State::YourTurn, 7));
        let broken = lived(&[turn.clone(), (Asked::Navigate, 20, told(State::Waiting, 7))]);
        assert_eq!(
            broken.broken_turns,
            [BrokenTurn { place: Some(7), state: "waiting".into(), asked_after_ms: 10 }]
        );
        let late = lived(&[turn.clone(), (Asked::Navigate, 11 + TURN_HOLDS_MS, told(State::Waiting, 7))]);
        assert!(late.broken_turns.is_empty());
        let put_off = lived(&[turn, (Asked::Navigate, 20, told(State::Next, 7))]);
        assert!(put_off.broken_turns.is_empty());
        assert_eq!(put_off.put_off, 1);
        assert!(
            lived(&[(Asked::Navigate, 0, told(State::Joining, 7))]).broken_turns.is_empty(),
            "nothing was promised"
        );
    }

    #[test]
    fn a_script_that_was_let_in_is_a_promise_too() {
        let life = lived(&[
            (Asked::Join, 0, Heard::Origin { status: 200 }),
            (Asked::Navigate, 20, told(State::Joining, 1)),
        ]);
        assert_eq!(life.broken_turns.len(), 1);
    }

    #[test]
    fn a_place_that_moves_is_seen() {
        let moved =
            lived(&[(Asked::Join, 0, told(State::Waiting, 7)), (Asked::Stand, 9, told(State::Waiting, 8))]);
        assert_eq!((moved.place, moved.moved_to), (Some(7), Some(8)));
    }

    #[test]
    fn whatever_goes_wrong_inside_is_named() {
        let mut life = Life::default();
        life.hear_inside("/cart", &Heard::Origin { status: 502 });
        life.hear_inside("/cart", &told(State::Joining, 1));
        life.hear_inside("/cart", &Heard::Nothing(Failure::Broken));
        life.hear_inside("/cart", &Heard::Origin { status: 303 });
        let faults: Vec<_> = life.faults.keys().map(String::as_str).collect();
        assert_eq!(
            faults,
            ["/cart answered 502", "connection broke", "put out while inside: joining at /cart"]
        );
    }

    #[test]
    fn a_seat_is_given_back_when_anteroom_says_so() {
        let mut life = Life::default();
        life.hear_leaving(Moment(1), &Heard::Origin { status: 404 });
        assert_eq!((life.gave_back, life.faults.len()), (None, 0));
        life.hear_leaving(Moment(2), &told(State::Over("left".into()), 1));
        assert_eq!(life.gave_back, Some(Moment(2)));
    }
}
