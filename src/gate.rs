//! The gate: what was asked, what the tokens say, what the board says and `now` in; a [`Decision`] out.
//! It decides and does not remember; exactness lives at the claim, so nothing here grants a seat:
//! at most it lets a good pass through and asks a leaf for everything else.

use durable::board::{Board, Phase};
use durable::protocol::{Outcome, Wish};
use durable::table::Table;
use durable::token::{Arrival, Pass, PassStanding, Ticket};
use durable::units::{Millis, Place, Rank};

use crate::cookie::{Wallet, is_fresh};
use crate::poll::standing_of;
use crate::standing::Standing;
use crate::visit::{Asker, Verb};

/// A ticket lives so long.
const TICKET_LIFE: Millis = Millis(24 * 60 * 60 * 1_000);
/// So long before a scheduled change an isolate acts as busy.
const NEAR: Millis = Millis(60_000);
/// Without asking anyone, an isolate that has sent so many first contacts on one board acts as busy.
pub const FIRST_CONTACTS_MAX: u32 = 20;

/// The room as this isolate sees it now.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// Its board: never older than it may be.
    pub board: &'a Board,
    /// Seat and generation of passes given up early.
    pub revoked: &'a Table<(u32, u32), ()>,
    /// How old a pass may get before it is due.
    pub renewal_interval: Millis,
    /// First contacts sent on this board.
    pub first_contacts: u32,
}

/// Who asks for what.
#[derive(Clone, Copy, Debug)]
pub struct Visit<'a> {
    /// Who.
    pub asker: Asker,
    /// What for.
    pub verb: Verb,
    /// What they hold.
    pub wallet: &'a Wallet,
    /// They were sent back with a mark that says they had been given a cookie.
    pub marked: bool,
    /// Where people are only counted, they are one of those who are.
    pub counts: bool,
    /// They ask at the door: who is inside is told so there, and their pass is renewed when it is due.
    pub at_the_door: bool,
}

/// What happens to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// To the origin.
    Pass,
    /// To the origin, and a leaf is asked for a newer pass meanwhile, or a first one where people are only counted.
    PassAndAsk(Wish),
    /// A leaf is asked; its outcome decides, by [`after`].
    Ask(Wish),
    /// An answer of ours, from the board alone.
    Tell(Standing),
    /// An answer of ours, with a fresh arrival.
    TellAndGreet(Standing),
    /// An empty answer: nothing of ours would help who asks.
    Refuse,
    /// The tokens know more than our board: fetch it, then decide again.
    Refresh,
}

/// Decides. `fresh_holder` names a first contact, should it be one.
pub fn decide(visit: &Visit<'_>, view: &View<'_>, now: Millis, fresh_holder: [u8; 16]) -> Decision {
    let Visit { asker, verb, wallet, marked, counts, at_the_door } = *visit;
    let is_page = asker == Asker::Page;
    if view.board.phase == Phase::Suspended {
        return if is_page { Decision::Tell(Standing::Admitted) } else { Decision::Pass };
    }
    if is_ahead_of_board(wallet, view.board) {
        return Decision::Refresh;
    }
    if let Some(pass) = valid_pass(wallet, view, now) {
        let renews = match asker {
            Asker::Upgrade => false,
            // What a page is made of may be kept by caches, and a token with it. It renews for whoever asks for nothing else.
            Asker::SubResource | Asker::Prefetch if pass.standing == PassStanding::Confirmed => {
                is_half_spent(&pass, view, now)
            }
            _ => is_due(&pass, view, now),
        };
        return match (is_page, renews) {
            (true, true) if at_the_door => Decision::Ask(renewal(&pass)),
            (true, _) => Decision::Tell(Standing::Admitted),
            (false, true) => Decision::PassAndAsk(renewal(&pass)),
            (false, false) => Decision::Pass,
        };
    }
    let is_person = matches!(asker, Asker::Navigation | Asker::App | Asker::Page);
    if view.board.phase == Phase::Passthrough {
        return match (is_page, is_person && counts && verb == Verb::Get) {
            (true, _) => Decision::Tell(Standing::Admitted),
            (false, true) => Decision::PassAndAsk(Wish::Enter { holder: fresh_holder }),
            (false, false) => Decision::Pass,
        };
    }
    if !is_person {
        return Decision::Refuse;
    }
    if let Some(ticket) = living_ticket(wallet, view.board, now) {
        let standing = standing_of(view.board, ticket.rank, ticket.issued, now);
        let claims = matches!(standing, Standing::YourTurn { .. }) && verb != Verb::Head;
        return match (claims, verb) {
            (true, _) => Decision::Ask(claim(&ticket)),
            (false, Verb::Write) => Decision::Tell(Standing::FormHeld),
            (false, _) => Decision::Tell(standing),
        };
    }
    // A wish to come in, of whoever lost their seat to the clock alone: the room knows whether it is still theirs.
    if let Some(pass) = returning_pass(wallet, view, now).filter(|_| verb != Verb::Head) {
        return Decision::Ask(renewal(&pass));
    }
    newcomer(
        wallet.arrival.filter(|arrival| is_fresh(arrival, now)),
        verb,
        marked,
        wallet,
        view,
        now,
        fresh_holder,
    )
}

fn newcomer(
    arrival: Option<Arrival>,
    verb: Verb,
    marked: bool,
    wallet: &Wallet,
    view: &View<'_>,
    now: Millis,
    fresh_holder: [u8; 16],
) -> Decision {
    let holder = arrival.map_or(fresh_holder, |arrival| arrival.holder.0);
    let near = view.board.next_change().is_some_and(|at| at.since(now) <= NEAR);
    let open = view.board.phase == Phase::Open && view.first_contacts < FIRST_CONTACTS_MAX && !near;
    match (open, arrival) {
        _ if view.board.phase == Phase::Reject => Decision::Tell(Standing::Closed),
        _ if wallet.unknown => Decision::Tell(Standing::Reconnecting),
        (true, _) if verb != Verb::Head => Decision::Ask(Wish::Enter { holder }),
        (_, Some(_)) if verb == Verb::Get => Decision::Ask(Wish::Join { holder }),
        (_, None) if marked => Decision::Tell(Standing::CookiesBlocked),
        _ if verb == Verb::Write => Decision::TellAndGreet(Standing::FormHeld),
        _ => Decision::TellAndGreet(Standing::Joining),
    }
}

/// Where somebody stands who only asks that: nothing is claimed, joined or renewed.
pub fn whereabouts(wallet: &Wallet, view: &View<'_>, now: Millis) -> Standing {
    let board = view.board;
    let passes = matches!(board.phase, Phase::Suspended | Phase::Passthrough);
    if passes || valid_pass(wallet, view, now).is_some() {
        return Standing::Admitted;
    }
    match living_ticket(wallet, board, now) {
        Some(ticket) => standing_of(board, ticket.rank, ticket.issued, now),
        None if board.phase == Phase::Reject => Standing::Closed,
        None if wallet.unknown => Standing::Reconnecting,
        None => Standing::Joining,
    }
}

/// What a leaf's outcome means for who asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sequel {
    /// To the origin, and this token is kept.
    PassWith(String),
    /// An answer of ours, and this token is kept.
    TellWith(Standing, String),
    /// An answer of ours.
    Tell(Standing),
    /// An answer of ours, with a fresh arrival.
    TellAndGreet(Standing),
    /// An answer of ours, and the cookie is taken away.
    TellAndForget(Standing),
}

/// Decides once a leaf has answered. The board is the one that came with the answer.
pub fn after(outcome: Outcome, visit: &Visit<'_>, board: Option<&Board>, now: Millis) -> Sequel {
    let ticket = visit.wallet.ticket;
    match outcome {
        Outcome::Admitted { pass } if visit.asker == Asker::Page => {
            Sequel::TellWith(Standing::Admitted, pass)
        }
        Outcome::Admitted { pass } => Sequel::PassWith(pass),
        Outcome::Joined { ticket, rank, joined_at_ms } => {
            let (rank, joined_at) = (Rank(rank), Millis(joined_at_ms));
            let unknown = Standing::Waiting {
                place: Place(rank.0),
                people_ahead: rank.0,
                wait: None,
                waited: Millis(0),
            };
            let standing = board.map_or(unknown, |board| standing_of(board, rank, joined_at, now));
            Sequel::TellWith(standing, ticket)
        }
        Outcome::Busy if visit.verb == Verb::Write => Sequel::TellAndGreet(Standing::FormHeld),
        Outcome::Busy => Sequel::TellAndGreet(Standing::Joining),
        Outcome::Crowded => Sequel::Tell(Standing::Crowded),
        Outcome::Next { .. } => {
            let place = ticket.and_then(|ticket| place_of(board, ticket.rank));
            Sequel::Tell(place.map_or(Standing::Reconnecting, |place| Standing::Next { place }))
        }
        Outcome::Waiting => Sequel::Tell(match (ticket, board) {
            (Some(ticket), Some(board)) => standing_of(board, ticket.rank, ticket.issued, now),
            _ => Standing::Reconnecting,
        }),
        Outcome::Used => Sequel::TellAndForget(Standing::TicketUsed),
        Outcome::Void | Outcome::Ended => Sequel::TellAndGreet(Standing::Joining),
        Outcome::Left => Sequel::TellAndForget(Standing::Left),
        Outcome::Unknown => Sequel::Tell(Standing::Unavailable),
        Outcome::Board | Outcome::Unreachable | Outcome::Overloaded => {
            Sequel::Tell(without_a_room(visit.wallet))
        }
    }
}

/// The place of a rank, as far as a board tells.
fn place_of(board: Option<&Board>, rank: Rank) -> Option<Place> {
    board.map_or(Some(Place(rank.0)), |board| board.place_of(rank))
}

/// What is told while the room cannot be reached.
pub fn without_a_room(wallet: &Wallet) -> Standing {
    if wallet.pass.is_some() || wallet.ticket.is_some() || wallet.unknown {
        Standing::Reconnecting
    } else {
        Standing::Unavailable
    }
}

/// The wish to give up what one holds, if anything.
pub fn leaving(wallet: &Wallet, view: &View<'_>, now: Millis) -> Option<Wish> {
    if let Some(pass) = valid_pass(wallet, view, now) {
        return Some(leaving_pass(&pass));
    }
    let ticket = living_ticket(wallet, view.board, now)?;
    Some(Wish::LeaveTicket { epoch: ticket.epoch.0, rank: ticket.rank.0 })
}

/// The wish to give this pass up.
pub fn leaving_pass(pass: &Pass) -> Wish {
    Wish::LeavePass {
        epoch: pass.epoch.0,
        pass_epoch: pass.pass_epoch.0,
        seat: pass.seat.0,
        generation: pass.generation.0,
    }
}

fn is_ahead_of_board(wallet: &Wallet, board: &Board) -> bool {
    let pass =
        wallet.pass.is_some_and(|pass| (pass.epoch, pass.pass_epoch) > (board.epoch(), board.pass_epoch()));
    pass || wallet.ticket.is_some_and(|ticket| ticket.epoch > board.epoch())
}

fn valid_pass(wallet: &Wallet, view: &View<'_>, now: Millis) -> Option<Pass> {
    wallet.pass.filter(|pass| pass.expires > now && is_of_the_board(pass, view))
}

/// A pass that expired less than D ago: without the interval that a pass is valid longer, it was good for as long. Before an event, and while everybody is
/// held or turned away, the room gives nothing back.
fn returning_pass(wallet: &Wallet, view: &View<'_>, now: Millis) -> Option<Pass> {
    let calls = matches!(view.board.phase, Phase::Open | Phase::Busy);
    let pass = wallet.pass.filter(|pass| calls && pass.expires <= now)?;
    let lately = now.since(pass.expires) < session_of(&pass, view);
    is_of_the_board(&pass, view).then_some(pass).filter(|_| lately)
}

/// Whether a pass was neither given up nor ended, as far as this isolate has heard.
fn is_of_the_board(pass: &Pass, view: &View<'_>) -> bool {
    (pass.epoch, pass.pass_epoch) == (view.board.epoch(), view.board.pass_epoch())
        && (view.revoked.is_empty() || !view.revoked.contains(&(pass.seat.0, pass.generation.0)))
}

/// A pass is due at its first request after first contact, and once older than the interval.
fn is_due(pass: &Pass, view: &View<'_>, now: Millis) -> bool {
    pass.standing == PassStanding::Unconfirmed || now.since(pass.issued) > view.renewal_interval
}

/// Half of what a pass is good for beyond that is over.
fn is_half_spent(pass: &Pass, view: &View<'_>, now: Millis) -> bool {
    let slack = session_of(pass, view);
    now.since(pass.issued) > view.renewal_interval.plus(Millis(slack.0 / 2))
}

/// What a pass is good for beyond the interval in which it is renewed.
fn session_of(pass: &Pass, view: &View<'_>) -> Millis {
    pass.expires.since(pass.issued).minus(view.renewal_interval)
}

fn living_ticket(wallet: &Wallet, board: &Board, now: Millis) -> Option<Ticket> {
    wallet.ticket.filter(|ticket| {
        // A rank that is yet to be drawn has a place to come, which is not void.
        let void = board.place_of(ticket.rank).is_some_and(|place| place.0 < board.void);
        ticket.epoch == board.epoch() && !void && now.since(ticket.issued) < TICKET_LIFE
    })
}

fn renewal(pass: &Pass) -> Wish {
    Wish::Renew {
        epoch: pass.epoch.0,
        pass_epoch: pass.pass_epoch.0,
        seat: pass.seat.0,
        generation: pass.generation.0,
    }
}

fn claim(ticket: &Ticket) -> Wish {
    Wish::Claim { epoch: ticket.epoch.0, rank: ticket.rank.0 }
}
