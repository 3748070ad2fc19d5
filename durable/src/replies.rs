//! Which batches were answered, and how: so that a call that may or may not have happened can be
//! made again.
//!
//! Kept are the last eight replies of each incarnation and two incarnations of each lobby: as many
//! batches as a lobby has in flight, and one superseded memory of it. Of a few more incarnations it is known that they are retired: their first
//! batches may still be under way. What is not kept is refused, never guessed.

use std::collections::VecDeque;

use crate::batch::BatchName;
use crate::codec::{Reader, Writer};
use crate::journal::read_text;

/// Batches a lobby may have in flight, and so replies kept for each incarnation.
pub const IN_FLIGHT_MAX: usize = 8;
const INCARNATIONS_MAX: usize = 2;
/// With the retired ones, of which nothing but the name is kept. A lobby whose parent is overloaded begins anew with every second batch or so, ten a
/// second at most: for six seconds and more none of them is taken for new.
const NAMES_MAX: usize = 32;
/// What a retired incarnation waits for: a number that no batch has.
const RETIRED: u64 = u64::MAX;
/// Lobbies that talk to one parent: 40 leaves and then some. A further one pushes out the one that began
/// longest ago, which then begins again.
const LOBBIES_MAX: usize = 64;

#[derive(Clone, Debug, PartialEq, Eq)]
struct KeptReply {
    number: u64,
    digest: [u8; 32],
    reply: Vec<u8>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Incarnation {
    id: [u8; 16],
    next: u64,
    kept: VecDeque<KeptReply>,
}

/// The memory of one parent for its lobbies' batches.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replies {
    /// Newest incarnation first.
    lobbies: VecDeque<(String, VecDeque<Incarnation>)>,
}

/// What to do with a batch of this name.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict<'a> {
    /// Carry it out.
    New,
    /// It was carried out: these are the reply's bytes.
    Repeated(&'a [u8]),
    /// Out of turn: this number is next.
    Expected(u64),
    /// Another content under its name, or nobody remembers its incarnation.
    Refused,
}

impl Replies {
    /// Judges a batch by its name alone.
    pub fn judge(&self, name: &BatchName, digest: &[u8; 32]) -> Verdict<'_> {
        let incarnation = self
            .lobbies
            .iter()
            .find(|(lobby, _)| *lobby == name.lobby)
            .and_then(|(_, lobby)| lobby.iter().find(|incarnation| incarnation.id == name.incarnation));
        match incarnation {
            None if name.number == 0 => Verdict::New,
            None => Verdict::Refused,
            Some(incarnation) if incarnation.next == RETIRED => Verdict::Refused,
            Some(incarnation) if name.number == incarnation.next => Verdict::New,
            Some(incarnation) if name.number > incarnation.next => Verdict::Expected(incarnation.next),
            Some(incarnation) => match incarnation.kept.iter().find(|kept| kept.number == name.number) {
                Some(kept) if kept.digest == *digest => Verdict::Repeated(&kept.reply),
                _ => Verdict::Refused,
            },
        }
    }

    /// Remembers the reply to a batch that was judged new.
    pub fn remember(&mut self, name: &BatchName, digest: [u8; 32], reply: Vec<u8>) {
        if !self.lobbies.iter().any(|(lobby, _)| *lobby == name.lobby) {
            if self.lobbies.len() == LOBBIES_MAX {
                self.lobbies.pop_front();
            }
            self.lobbies.push_back((name.lobby.clone(), VecDeque::new()));
        }
        let Some((_, lobby)) = self.lobbies.iter_mut().find(|(lobby, _)| *lobby == name.lobby) else {
            return;
        };
        if !lobby.iter().any(|incarnation| incarnation.id == name.incarnation) {
            lobby.push_front(Incarnation {
                id: name.incarnation,
                next: 0,
                kept: VecDeque::with_capacity(IN_FLIGHT_MAX),
            });
            for retired in lobby.iter_mut().skip(INCARNATIONS_MAX) {
                retired.next = RETIRED;
                retired.kept.clear();
            }
            lobby.truncate(NAMES_MAX);
        }
        let incarnation = lobby.iter_mut().find(|incarnation| incarnation.id == name.incarnation);
        let Some(incarnation) = incarnation else {
            return;
        };
        incarnation.next = name.number.saturating_add(1);
        if incarnation.kept.len() == IN_FLIGHT_MAX {
            incarnation.kept.pop_front();
        }
        incarnation.kept.push_back(KeptReply { number: name.number, digest, reply });
    }

    /// The reply to a batch that was remembered before there was one.
    pub fn fulfil(&mut self, name: &BatchName, reply: Vec<u8>) {
        let lobbies = self.lobbies.iter_mut().filter(|(lobby, _)| *lobby == name.lobby);
        let mut incarnations = lobbies.flat_map(|(_, lobby)| lobby).filter(|it| it.id == name.incarnation);
        let kept = incarnations.find_map(|it| it.kept.iter_mut().find(|kept| kept.number == name.number));
        if let Some(kept) = kept {
            kept.reply = reply;
        }
    }

    /// As bytes of a snapshot.
    pub fn encode(&self, out: &mut Writer) {
        out.number(self.lobbies.len() as u64);
        for (name, lobby) in &self.lobbies {
            out.blob(name.as_bytes());
            out.number(lobby.len() as u64);
            for incarnation in lobby {
                out.fixed(&incarnation.id);
                out.number(incarnation.next);
                out.number(incarnation.kept.len() as u64);
                for kept in &incarnation.kept {
                    out.number(kept.number);
                    out.fixed(&kept.digest);
                    out.blob(&kept.reply);
                }
            }
        }
    }

    /// Reads what [`Replies::encode`] wrote.
    pub fn decode(reader: &mut Reader<'_>) -> Replies {
        let mut replies = Replies::default();
        for _ in 0..reader.count(2) {
            let name = read_text(reader);
            let mut lobby = VecDeque::new();
            for _ in 0..reader.count(18) {
                let (id, next) = (reader.fixed(), reader.number());
                let mut kept = VecDeque::new();
                for _ in 0..reader.count(34) {
                    kept.push_back(KeptReply {
                        number: reader.number(),
                        digest: reader.fixed(),
                        reply: reader.blob().to_vec(),
                    });
                }
                lobby.push_back(Incarnation { id, next, kept });
            }
            replies.lobbies.push_back((name, lobby));
        }
        replies
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(incarnation: u8, number: u64) -> BatchName {
        BatchName { lobby: "leaf".into(), incarnation: [incarnation; 16], number }
    }

    fn remember(replies: &mut Replies, incarnation: u8, number: u64) {
        let name = name(incarnation, number);
        assert_eq!(replies.judge(&name, &[9; 32]), Verdict::New);
        replies.remember(&name, [9; 32], vec![number as u8]);
    }

    #[test]
    fn the_same_name_gets_the_same_reply_and_another_content_is_refused() {
        let mut replies = Replies::default();
        remember(&mut replies, 1, 0);
        assert_eq!(replies.judge(&name(1, 0), &[9; 32]), Verdict::Repeated(&[0]));
        assert_eq!(replies.judge(&name(1, 0), &[8; 32]), Verdict::Refused);
    }

    #[test]
    fn a_number_out_of_turn_is_told_which_is_expected() {
        let mut replies = Replies::default();
        remember(&mut replies, 1, 0);
        assert_eq!(replies.judge(&name(1, 2), &[9; 32]), Verdict::Expected(1));
        assert_eq!(replies.judge(&name(2, 1), &[9; 32]), Verdict::Refused);
    }

    #[test]
    fn eight_replies_are_kept_and_the_ninth_pushes_out_the_first() {
        let mut replies = Replies::default();
        (0..9).for_each(|number| remember(&mut replies, 1, number));
        assert_eq!(replies.judge(&name(1, 0), &[9; 32]), Verdict::Refused);
        assert_eq!(replies.judge(&name(1, 1), &[9; 32]), Verdict::Repeated(&[1]));
    }

    #[test]
    fn two_incarnations_live_side_by_side_and_a_third_retires_the_oldest() {
        let mut replies = Replies::default();
        remember(&mut replies, 1, 0);
        remember(&mut replies, 2, 0);
        remember(&mut replies, 1, 1);
        remember(&mut replies, 3, 0);
        assert_eq!(replies.judge(&name(1, 2), &[9; 32]), Verdict::Refused);
        assert_eq!(replies.judge(&name(2, 1), &[9; 32]), Verdict::New);
        remember(&mut replies, 4, 0);
        for late in [1, 2] {
            assert_eq!(replies.judge(&name(late, 0), &[9; 32]), Verdict::Refused, "a first batch comes late");
        }
    }

    #[test]
    fn the_first_batch_of_a_lobby_that_began_again_thirty_times_since_is_not_new() {
        let mut replies = Replies::default();
        (1..=32).for_each(|incarnation| remember(&mut replies, incarnation, 0));
        assert_eq!(replies.judge(&name(1, 0), &[9; 32]), Verdict::Refused);
    }

    #[test]
    fn the_memory_survives_the_round_trip() {
        let mut replies = Replies::default();
        remember(&mut replies, 1, 0);
        remember(&mut replies, 2, 0);
        let mut out = Writer::new();
        replies.encode(&mut out);
        let bytes = out.into_bytes();
        assert_eq!(Replies::decode(&mut Reader::new(&bytes)), replies);
    }
}
