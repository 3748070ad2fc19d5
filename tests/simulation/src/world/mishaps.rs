//! What goes wrong, carried out; and the end of it.

use durable::batch::{BatchName, Items, PassRef, TicketRef, encode_batch};
use durable::token::Holder;
use durable::units::{Epoch, Generation, Millis, PassEpoch, Rank, Seat};

use super::cache::center_of;
use super::edge::EdgeHost;
use super::rooms::NOBODY;
use super::table::Wanted;
use super::trouble::Trouble;
use super::{World, keys};
use crate::dice::Dice;

impl World<'_> {
    pub(super) fn trouble(&mut self, trouble: Trouble) {
        let now = self.queue.now();
        if self.is_quiet {
            return;
        }
        self.trace.note(now, format_args!("trouble: {trouble:?}"));
        match trouble {
            Trouble::RoomLost => self.lose_room(),
            Trouble::WriteFails(keeps) => self.room.fails.push(keeps),
            Trouble::LobbyLost(lobby) => {
                let lobby = lobby % self.plan.lobbies();
                self.lobbies[lobby] = self.new_lobby(lobby);
            }
            Trouble::LobbyTwice(lobby, lasting) => {
                let lobby = lobby % self.plan.lobbies();
                let slot = lobby + self.plan.lobbies();
                self.lobbies[slot] = self.new_lobby(slot);
                self.twice_until[lobby] = now.plus(lasting);
            }
            Trouble::EdgeLost(edge) => self.lose_edge(edge % self.edges.len()),
            Trouble::EdgeClock(edge, skew) => {
                let center = center_of(edge % self.edges.len());
                self.edges.iter_mut().skip(2 * center).take(2).for_each(|host| host.skew = skew);
            }
            Trouble::RoomClock(lasting, behind) => self.room.clock_behind = (now.plus(lasting), behind),
            Trouble::Storm(storm) => self.network.begin(now, storm),
            Trouble::AlarmsLate(lasting, late) => self.room.alarms_late = (now.plus(lasting), late),
            Trouble::AlarmTwice => self.room.alarm_twice = true,
            Trouble::Deploy => self.deploy(),
            Trouble::Stray(seed) => self.stray(&mut Dice::new(seed)),
            Trouble::DirectoryAway(lasting) => self.directory_away_until = now.plus(lasting),
        }
    }

    fn lose_edge(&mut self, edge: usize) {
        self.drop_requests(edge);
        self.lives += 1;
        let skew = self.edges[edge].skew;
        self.edges[edge] = EdgeHost::new(keys(), self.lives, skew);
    }

    /// The Room and every second lobby and isolate are of another version now; the others stay as they are.
    fn deploy(&mut self) {
        self.speaks_newer = !self.speaks_newer;
        self.lose_room();
        for lobby in (0..self.plan.lobbies()).step_by(2) {
            self.lobbies[lobby] = self.new_lobby(lobby);
        }
        for edge in (0..self.edges.len()).step_by(2) {
            self.lose_edge(edge);
        }
    }

    /// A lobby that nobody knows asks for what it has no right to: places not called, passes never given, other epochs, numbers out
    /// of turn, bytes that are no batch.
    fn stray(&mut self, dice: &mut Dice) {
        let name = BatchName {
            lobby: format!("stray/{}", dice.below(3)),
            incarnation: [dice.below(3) as u8; 16],
            number: dice.below(3),
        };
        let far = |dice: &mut Dice| TicketRef {
            epoch: Epoch(dice.below(2) as u32),
            rank: Rank(dice.between(1 << 20, 1 << 41)),
        };
        let (epoch, seat) = (Epoch(dice.between(1, 9) as u32), Seat(dice.below(50) as u32));
        let pass = PassRef { epoch, pass_epoch: PassEpoch(0), seat, generation: Generation(1) };
        let count = dice.below(4) as usize;
        let items = Items {
            pass_leaves: vec![pass; count],
            ticket_leaves: vec![far(dice)],
            renewals: vec![pass; count],
            claims: (0..count).map(|_| far(dice)).collect(),
            joins: (0..dice.below(3)).map(|_| Holder(dice.bytes())).collect(),
            enters: dice.below(3) as u32,
            board_held: dice.maybe(50, |dice| dice.millis(0, 20_000)),
            ..Items::default()
        };
        let mut bytes = encode_batch(&name, &items);
        if dice.percent(20) {
            bytes.truncate(dice.below(bytes.len() as u64) as usize);
        }
        self.room_asked(NOBODY, Wanted::Batch(bytes));
    }

    /// The rush is over: nothing goes wrong any more, and operators let everybody in.
    pub(super) fn quiet(&mut self) {
        let now = self.queue.now();
        self.trace.note(now, format_args!("the rush is over"));
        self.is_quiet = true;
        self.network.calm();
        self.room.fails.clear();
        self.room.clock_behind = (Millis(0), 0);
        self.alarms_in_time();
        self.directory_away_until = Millis(0);
        self.twice_until.iter_mut().for_each(|until| *until = Millis(0));
        self.close();
        self.auditor.quiet(now);
    }
}
