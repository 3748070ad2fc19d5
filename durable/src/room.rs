//! The Room: serial, pure, exact. It decides who joins, who is called, who gets a seat.
//!
//! The one rule of use: each event enters once, with `now` as an argument; [`Room::step`] returns one
//! [`Step`]; the shell commits the whole of its `writes` before anyone hears of its `outputs`. The
//! Room never reads a clock, draws randomness or does IO, and no input makes it panic.
//!
//! How it decides is in the turn of one step (`turn.rs`) and the sums behind it (`admission.rs`); what changed is in [`crate::journal`], how it is
//! stored in [`crate::store`].

use crate::batch::{Batch, BatchAnswer};
use crate::board::{Board, Revocations};
use crate::codec::Malformed;
use crate::history::History;
use crate::journal::{Change, Row};
use crate::listed::Listed as _;
use crate::protocol::RoomStatus;
use crate::publish;
use crate::seats::SeatRecord;
use crate::state::{Config, PageId, State};
use crate::store::{Store, StoredPage, Write};
use crate::turn::Turn;
use crate::units::{Generation, Millis, Seat};

pub use crate::turn::Entropy;

/// What enters.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "nearly all are batches")]
pub enum Input {
    /// A lobby's batch.
    Batch(Batch),
    /// Settings from the directory.
    Configure(Box<Config>),
    /// The operator ends one session.
    End {
        /// Whose seat.
        seat: Seat,
        /// Which giving of it.
        generation: Generation,
    },
    /// The operator ends all sessions.
    EndAll,
    /// The operator begins the room anew.
    Reset,
    /// Time has passed: an alarm.
    Tick,
}

/// What leaves, one for each input in order.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// To the lobby.
    Batch(BatchAnswer),
    /// To the directory: the version that now holds.
    Configured(u64),
    /// To the operator: whether any session was ended.
    Ended(bool),
    /// To the operator: that one session cannot be ended, because the list of revoked passes is full.
    RevocationsFull,
    /// To the operator: the room began anew.
    Reset,
    /// To nobody.
    Ticked,
}

/// All that comes of a step.
#[derive(Debug)]
pub struct Step {
    /// One for each input; nobody may hear of them before the writes are committed.
    pub outputs: Vec<Output>,
    /// To be committed as one.
    pub writes: Vec<Write>,
    /// When time alone would change something that somebody waits for.
    pub wake_at: Option<Millis>,
}

/// See the module's words.
pub struct Room {
    state: State,
    store: Store,
    history: History,
    /// Pages that are no longer needed.
    dropped: Vec<PageId>,
    /// When the last row was written: nothing was decided since. A room that is rebuilt knows no other steps.
    decided_at: Millis,
}

impl Room {
    /// Rebuilds a Room from its rows; from none, a new one that knows no settings yet.
    pub fn load(pages: &[StoredPage], rows: &[(u64, Vec<u8>)]) -> Result<Room, Malformed> {
        let (store, state) = Store::load(pages, rows)?;
        let decided_at = state.at;
        Ok(Room { state, store, history: History::default(), dropped: Vec::new(), decided_at })
    }

    /// Whether it was configured before.
    pub fn config(&self) -> Option<&Config> {
        self.state.config.as_ref()
    }

    /// Takes everything that came in since the last commit, decides, and says what to write.
    pub fn step(&mut self, now: Millis, entropy: Entropy, inputs: Vec<Input>) -> Result<Step, Malformed> {
        // A clock that jumps back stands still instead.
        let now = now.max(self.state.at);
        self.advance(now);
        let paced_before = (self.state.pacer, self.state.late_pacer);
        let mut turn = Turn::new(&mut self.state, self.decided_at, now, entropy);
        let before = turn.per_minute(self.decided_at);
        turn.follow_schedule()?;
        turn.follow_rate(before);
        let mut outputs = Vec::with_capacity(inputs.len());
        for input in inputs {
            outputs.push(match input {
                Input::Batch(batch) => Output::Batch(turn.batch(&batch)?),
                Input::Configure(config) => Output::Configured(turn.configure(*config)?),
                Input::End { seat, generation } => turn.end(seat, generation)?,
                Input::EndAll => {
                    turn.end_all(None)?;
                    Output::Ended(true)
                }
                Input::Reset => {
                    turn.reset()?;
                    Output::Reset
                }
                Input::Tick => Output::Ticked,
            });
        }
        turn.judge_origin()?;
        turn.learn()?;
        turn.call()?;
        turn.open_or_close()?;
        let wake_at = turn.wake_at();
        let mut changes = turn.changes;
        self.dropped.append(&mut turn.dropped);
        if paced_before != (self.state.pacer, self.state.late_pacer) {
            let (tat_ns, late_tat_ns) = (self.state.pacer.tat_ns, self.state.late_pacer.tat_ns);
            changes.push(Change::Paced { tat_ns, late_tat_ns });
        }
        if !changes.is_empty() {
            self.decided_at = now;
        }
        let row = Row { at: now, changes };
        self.history.note(now, &self.state);
        let writes = self.store.commit(&self.state, row, std::mem::take(&mut self.dropped));
        Ok(Step { outputs, writes, wake_at })
    }

    /// The board of a moment; the Room's clock goes on to it.
    pub fn board(&mut self, now: Millis) -> Board {
        self.advance(now);
        publish::board(&self.state, self.decided_at, self.store.sequence())
    }

    /// The passes given up early.
    pub fn revocations(&self) -> Revocations {
        let passes = self.state.revoked.iter();
        Revocations {
            seq: self.state.revoked_seq,
            passes: passes.map(|revoked| (revoked.seat.0, revoked.generation.0)).listed(),
        }
    }

    /// What operators see.
    pub fn status(&mut self, now: Millis) -> RoomStatus {
        self.advance(now);
        self.history.note(self.state.at, &self.state);
        RoomStatus { history: self.history.points().listed(), ..publish::status(&self.state) }
    }

    /// What it knows.
    pub(crate) fn state(&self) -> &State {
        &self.state
    }

    /// The number of its last row.
    pub(crate) fn sequence(&self) -> u64 {
        self.store.sequence()
    }

    /// Lets time pass; what it makes needless is deleted with the next commit.
    fn advance(&mut self, now: Millis) {
        self.dropped.extend(self.state.advance(now));
    }

    /// Every page of the state as bytes: two Rooms with the same are the same.
    pub fn fingerprint(&mut self, now: Millis) -> Vec<Vec<u8>> {
        self.advance(now);
        Store::pages_of(&self.state).map(|page| self.state.encode_page(page)).listed()
    }
}

impl Room {
    /// A pass by seat and generation, for the operator's eyes and tests.
    pub fn seat(&self, seat: Seat, generation: Generation) -> Option<SeatRecord> {
        self.state.seats.get(seat, generation)
    }
}
