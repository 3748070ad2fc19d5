//! What goes wrong, as a list of moments: each is one thing, so that a run can be told without it.

use durable::units::Millis;

use crate::dice::Dice;

/// How much of a commit that failed is in storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Keeps {
    /// All of it: only the news was lost.
    All,
    /// Nothing.
    Nothing,
    /// The first of its writes.
    First(u64),
}

/// One thing that goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The Room's memory is lost.
    RoomLost,
    /// The next commit fails.
    WriteFails(Keeps),
    /// A lobby's memory is lost, with everybody who waits there.
    LobbyLost(usize),
    /// A lobby lives twice for so long.
    LobbyTwice(usize, Millis),
    /// An isolate is lost, with every request under way in it.
    EdgeLost(usize),
    /// The clock of an edge's data center goes on from another time.
    EdgeClock(usize, i64),
    /// The Room's clock jumps back for so long.
    RoomClock(Millis, u64),
    /// Calls are lost, late, repeated.
    Storm(Storm),
    /// Alarms come so late.
    AlarmsLate(Millis, Millis),
    /// The next alarm comes twice.
    AlarmTwice,
    /// Objects and isolates are replaced one after the other by those of another version, which says more than this one knows.
    Deploy,
    /// Somebody sends the Room what no lobby of ours would.
    Stray(u64),
    /// The directory cannot be reached for so long.
    DirectoryAway(Millis),
}

/// Weather on the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Storm {
    /// For so long.
    pub lasting: Millis,
    /// Of a hundred calls so many never arrive, and as many answers.
    pub lost_percent: u64,
    /// So many arrive late.
    pub late_percent: u64,
    /// So many arrive twice.
    pub twice_percent: u64,
    /// So many are refused as too many.
    pub overloaded_percent: u64,
}

/// When something goes wrong.
#[derive(Clone, Copy, Debug)]
pub struct TroubleAt {
    /// So long after noon.
    pub after: Millis,
    /// What.
    pub trouble: Trouble,
}

/// The troubles of a rush.
pub fn draw(dice: &mut Dice, rush: Millis, edges: usize, lobbies: usize) -> Vec<TroubleAt> {
    let count = if dice.percent(15) { 0 } else { dice.between(1, 24) };
    let mut troubles: Vec<_> = (0..count)
        .map(|_| TroubleAt { after: dice.millis(0, rush.0), trouble: one(dice, edges, lobbies) })
        .collect();
    troubles.sort_by_key(|at| at.after);
    troubles
}

fn one(dice: &mut Dice, edges: usize, lobbies: usize) -> Trouble {
    let edge = dice.below(edges as u64) as usize;
    let lobby = dice.below(lobbies as u64) as usize;
    match dice.below(20) {
        0..3 => Trouble::RoomLost,
        3..6 => {
            let first = Keeps::First(dice.between(1, 2));
            Trouble::WriteFails(dice.pick(&[Keeps::All, Keeps::All, Keeps::Nothing, first]))
        }
        6 | 7 => Trouble::LobbyLost(lobby),
        8 => Trouble::LobbyTwice(lobby, dice.millis(1_000, 60_000)),
        9 => Trouble::EdgeLost(edge),
        10 => Trouble::EdgeClock(edge, dice.between(0, 2_000) as i64 - 1_000),
        11 => Trouble::RoomClock(dice.millis(100, 20_000), dice.between(1, 900)),
        12..15 => Trouble::Storm(Storm {
            lasting: dice.millis(1_000, 60_000),
            lost_percent: dice.pick(&[0, 5, 20, 60]),
            late_percent: dice.pick(&[0, 10, 50]),
            twice_percent: dice.pick(&[0, 10, 50]),
            overloaded_percent: dice.pick(&[0, 0, 10]),
        }),
        15 => Trouble::AlarmsLate(dice.millis(1_000, 60_000), dice.millis(100, 20_000)),
        16 => Trouble::AlarmTwice,
        17 => Trouble::Deploy,
        18 => Trouble::Stray(dice.seed()),
        _ => Trouble::DirectoryAway(dice.millis(1_000, 60_000)),
    }
}
