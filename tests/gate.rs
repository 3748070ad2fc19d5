//! The gate's decisions, one table for each kind of visitor.

use anteroom::cookie::Wallet;
use anteroom::gate::{Decision, FIRST_CONTACTS_MAX, Sequel, View, Visit, after, decide, whereabouts};
use anteroom::standing::Standing;
use anteroom::visit::{Asker, Verb};
use durable::board::{Board, Phase, Scheduled};
use durable::protocol::{Outcome, Wish};
use durable::table::Table;
use durable::token::{Arrival, Holder, Pass, PassStanding, RoomTag, Ticket};
use durable::units::{Epoch, Generation, Millis, PassEpoch, Place, Rank, Seat};

const NOW: Millis = Millis(1_800_000_000_000);
const HOLDER: [u8; 16] = [5; 16];

fn board(phase: Phase) -> Board {
    Board {
        phase,
        epoch: 3,
        pass_epoch: 4,
        called: 100,
        issued: 1_000,
        waiting: 900,
        void: 10,
        ..Board::default()
    }
}

fn pass() -> Pass {
    Pass {
        room: RoomTag([1; 8]),
        epoch: Epoch(3),
        pass_epoch: PassEpoch(4),
        seat: Seat(7),
        generation: Generation(8),
        issued: NOW.minus(Millis(10_000)),
        expires: NOW.plus(Millis(1)),
        standing: PassStanding::Confirmed,
    }
}

fn ticket(rank: u64) -> Ticket {
    Ticket {
        room: RoomTag([1; 8]),
        epoch: Epoch(3),
        rank: Rank(rank),
        issued: NOW.minus(Millis(60_000)),
        holder: Holder([2; 16]),
    }
}

fn arrival(age_ms: u64) -> Arrival {
    Arrival {
        room: RoomTag([1; 8]),
        issued: NOW.minus(Millis(age_ms)),
        prefix: [0; 4],
        holder: Holder([6; 16]),
    }
}

fn holding(pass: Option<Pass>, ticket: Option<Ticket>, arrival: Option<Arrival>) -> Wallet {
    Wallet { pass, ticket, arrival, ..Wallet::default() }
}

fn nothing() -> Wallet {
    Wallet::default()
}

/// A navigation of somebody who holds this, in a room of this board.
fn navigation(wallet: &Wallet, board: &Board) -> Decision {
    decided(wallet, board, |_| ())
}

fn decided(wallet: &Wallet, board: &Board, change: impl Fn(&mut (Visit<'_>, u32))) -> Decision {
    let visit = Visit {
        asker: Asker::Navigation,
        verb: Verb::Get,
        wallet,
        marked: false,
        counts: true,
        at_the_door: false,
    };
    let mut asked = (visit, 0);
    change(&mut asked);
    let mut revoked = Table::default();
    revoked.insert((70, 80), ());
    let view = View { board, revoked: &revoked, renewal_interval: Millis(20_000), first_contacts: asked.1 };
    decide(&asked.0, &view, NOW, HOLDER)
}

#[test]
fn a_good_pass_goes_through_whoever_asks_and_whatever_the_board_says() {
    let wallet = holding(Some(pass()), None, None);
    for phase in [Phase::Open, Phase::Busy, Phase::Held, Phase::Suspended] {
        assert_eq!(navigation(&wallet, &board(phase)), Decision::Pass);
    }
    for asker in [Asker::App, Asker::SubResource, Asker::Prefetch, Asker::Upgrade] {
        assert_eq!(decided(&wallet, &board(Phase::Busy), |asked| asked.0.asker = asker), Decision::Pass);
    }
}

#[test]
fn every_way_for_a_pass_to_be_wrong_is_found() {
    let refused = |pass: Pass| {
        let wallet = holding(Some(pass), None, None);
        let decision = navigation(&wallet, &board(Phase::Busy));
        assert_eq!(decision, Decision::TellAndGreet(Standing::Joining), "{pass:?}");
    };
    refused(Pass { expires: NOW, ..pass() });
    refused(Pass { issued: NOW.minus(Millis(90_000)), expires: NOW.minus(Millis(35_000)), ..pass() });
    refused(Pass { epoch: Epoch(2), ..pass() });
    refused(Pass { pass_epoch: PassEpoch(3), ..pass() });
    refused(Pass { seat: Seat(70), generation: Generation(80), ..pass() });
    let newer = holding(Some(Pass { epoch: Epoch(4), ..pass() }), None, None);
    assert_eq!(navigation(&newer, &board(Phase::Busy)), Decision::Refresh, "it may be we who are behind");
}

#[test]
fn a_pass_is_renewed_when_it_is_old_or_unconfirmed_and_never_on_an_upgrade() {
    let old = Pass { issued: NOW.minus(Millis(20_001)), ..pass() };
    let unconfirmed = Pass { standing: PassStanding::Unconfirmed, ..pass() };
    let wish = Wish::Renew { epoch: 3, pass_epoch: 4, seat: 7, generation: 8 };
    for due in [old, unconfirmed] {
        let wallet = holding(Some(due), None, None);
        assert_eq!(navigation(&wallet, &board(Phase::Busy)), Decision::PassAndAsk(wish));
        let upgrade = decided(&wallet, &board(Phase::Busy), |asked| asked.0.asker = Asker::Upgrade);
        assert_eq!(upgrade, Decision::Pass);
    }
}

#[test]
fn parts_of_pages_renew_a_pass_once_half_of_what_it_is_good_for_is_gone() {
    // 20 s of interval and 100 s of session.
    let aged = |age, standing| Pass {
        issued: NOW.minus(Millis(age)),
        expires: NOW.plus(Millis(120_000 - age)),
        standing,
        ..pass()
    };
    let part = |pass| {
        decided(&holding(Some(pass), None, None), &board(Phase::Busy), |asked| {
            asked.0.asker = Asker::SubResource;
        })
    };
    let ask = Decision::PassAndAsk(Wish::Renew { epoch: 3, pass_epoch: 4, seat: 7, generation: 8 });
    assert_eq!(part(aged(70_000, PassStanding::Confirmed)), Decision::Pass);
    assert_eq!(part(aged(70_001, PassStanding::Confirmed)), ask);
    assert_eq!(part(aged(1, PassStanding::Unconfirmed)), ask, "whoever comes back is seen");
}

#[test]
fn whoever_lost_their_pass_to_the_clock_less_than_d_ago_asks_for_it_before_anything_else() {
    // D = 100 s, and 20 s longer.
    let expired = |ago| {
        let expires = NOW.minus(Millis(ago));
        Pass { issued: expires.minus(Millis(120_000)), expires, ..pass() }
    };
    let ask = Decision::Ask(Wish::Renew { epoch: 3, pass_epoch: 4, seat: 7, generation: 8 });
    let joins = Decision::TellAndGreet(Standing::Joining);
    let of = |pass| holding(Some(pass), None, None);
    for phase in [Phase::Busy, Phase::Open] {
        for ago in [0, 1, 99_999] {
            assert_eq!(navigation(&of(expired(ago)), &board(phase)), ask);
        }
    }
    assert_eq!(navigation(&of(expired(100_000)), &board(Phase::Busy)), joins);
    let revoked = Pass { seat: Seat(70), generation: Generation(80), ..expired(1) };
    assert_eq!(navigation(&of(revoked), &board(Phase::Busy)), joins);
    assert_eq!(navigation(&of(Pass { pass_epoch: PassEpoch(3), ..expired(1) }), &board(Phase::Busy)), joins);
    for phase in [Phase::Held, Phase::Prequeue] {
        assert_eq!(navigation(&of(expired(1)), &board(phase)), joins, "nobody is let in");
    }
    let decided = |change: fn(&mut (Visit<'_>, u32))| decided(&of(expired(1)), &board(Phase::Busy), change);
    assert_eq!(decided(|asked| asked.0.verb = Verb::Write), ask, "a bank's return brings a form");
    assert_eq!(decided(|asked| asked.0.asker = Asker::App), ask);
    assert_eq!(decided(|asked| asked.0.verb = Verb::Head), joins);
    assert_eq!(decided(|asked| asked.0.asker = Asker::SubResource), Decision::Refuse);
    let waits = holding(Some(expired(1)), Some(ticket(500)), None);
    assert!(matches!(navigation(&waits, &board(Phase::Busy)), Decision::Tell(Standing::Waiting { .. })));
}

#[test]
fn a_ticket_waits_until_it_is_called_and_is_claimed_then() {
    let wait = navigation(&holding(None, Some(ticket(100)), None), &board(Phase::Busy));
    let Decision::Tell(Standing::Waiting { place, people_ahead, waited, .. }) = wait else {
        panic!("{wait:?}")
    };
    assert_eq!((place, people_ahead, waited), (Place(100), 0, Millis(60_000)));
    let called = holding(None, Some(ticket(99)), None);
    assert_eq!(navigation(&called, &board(Phase::Busy)), Decision::Ask(Wish::Claim { epoch: 3, rank: 99 }));
    let head = decided(&called, &board(Phase::Busy), |asked| asked.0.verb = Verb::Head);
    assert_eq!(head, Decision::Tell(Standing::YourTurn { place: Place(99) }));
    let held = navigation(&called, &board(Phase::Held));
    assert!(matches!(held, Decision::Tell(Standing::Held { place: Some(_), .. })));
}

#[test]
fn a_ticket_that_is_void_or_of_another_epoch_or_a_day_old_counts_for_nothing() {
    for ticket in [
        ticket(9),
        Ticket { epoch: Epoch(2), ..ticket(500) },
        Ticket { issued: NOW.minus(Millis(24 * 3_600_000)), ..ticket(500) },
    ] {
        let decision = navigation(&holding(None, Some(ticket), None), &board(Phase::Busy));
        assert_eq!(decision, Decision::TellAndGreet(Standing::Joining));
    }
}

#[test]
fn first_contact_is_let_in_while_open_and_greeted_while_busy() {
    assert_eq!(navigation(&nothing(), &board(Phase::Open)), Decision::Ask(Wish::Enter { holder: HOLDER }));
    assert_eq!(navigation(&nothing(), &board(Phase::Busy)), Decision::TellAndGreet(Standing::Joining));
    let enough = decided(&nothing(), &board(Phase::Open), |asked| asked.1 = FIRST_CONTACTS_MAX);
    assert_eq!(enough, Decision::TellAndGreet(Standing::Joining), "acts as busy by itself");
    let head = decided(&nothing(), &board(Phase::Open), |asked| asked.0.verb = Verb::Head);
    assert_eq!(head, Decision::TellAndGreet(Standing::Joining), "a HEAD takes no seat");
}

#[test]
fn only_who_brings_the_arrival_back_in_time_is_given_a_rank() {
    let joins = Decision::Ask(Wish::Join { holder: [6; 16] });
    assert_eq!(navigation(&holding(None, None, Some(arrival(120_000))), &board(Phase::Busy)), joins);
    assert_eq!(navigation(&holding(None, None, Some(arrival(0))), &board(Phase::Held)), joins);
    let late = navigation(&holding(None, None, Some(arrival(120_001))), &board(Phase::Busy));
    assert_eq!(late, Decision::TellAndGreet(Standing::Joining));
    let marked = decided(&nothing(), &board(Phase::Busy), |asked| asked.0.marked = true);
    assert_eq!(marked, Decision::Tell(Standing::CookiesBlocked));
}

#[test]
fn parts_of_pages_guesses_and_upgrades_get_neither_page_nor_ticket() {
    for asker in [Asker::SubResource, Asker::Prefetch, Asker::Upgrade] {
        for phase in [Phase::Open, Phase::Busy, Phase::Held] {
            let decision = decided(&nothing(), &board(phase), |asked| asked.0.asker = asker);
            assert_eq!(decision, Decision::Refuse);
        }
    }
}

#[test]
fn a_form_is_never_taken_anywhere_and_takes_no_rank() {
    let form = |wallet: &Wallet| decided(wallet, &board(Phase::Busy), |asked| asked.0.verb = Verb::Write);
    assert_eq!(form(&nothing()), Decision::TellAndGreet(Standing::FormHeld));
    assert_eq!(form(&holding(None, None, Some(arrival(0)))), Decision::TellAndGreet(Standing::FormHeld));
    assert_eq!(form(&holding(None, Some(ticket(500)), None)), Decision::Tell(Standing::FormHeld));
}

#[test]
fn a_token_of_an_unknown_key_is_left_alone() {
    let wallet = Wallet { unknown: true, ..Wallet::default() };
    for phase in [Phase::Open, Phase::Busy] {
        assert_eq!(navigation(&wallet, &board(phase)), Decision::Tell(Standing::Reconnecting));
    }
}

#[test]
fn asking_where_one_stands_never_claims_or_joins() {
    let busy = board(Phase::Busy);
    let view =
        View { board: &busy, revoked: &Table::default(), renewal_interval: Millis(1), first_contacts: 0 };
    let called = holding(None, Some(ticket(50)), None);
    assert_eq!(whereabouts(&called, &view, NOW), Standing::YourTurn { place: Place(50) });
    assert_eq!(whereabouts(&holding(None, None, Some(arrival(0))), &view, NOW), Standing::Joining);
}

#[test]
fn the_pages_own_script_joins_and_claims_and_is_never_taken_to_the_origin() {
    let script = |wallet: &Wallet, phase| decided(wallet, &board(phase), |asked| asked.0.asker = Asker::Page);
    let inside = Decision::Tell(Standing::Admitted);
    assert_eq!(script(&holding(Some(pass()), None, None), Phase::Busy), inside);
    assert_eq!(script(&nothing(), Phase::Suspended), inside);
    let called = holding(None, Some(ticket(99)), None);
    assert_eq!(script(&called, Phase::Busy), Decision::Ask(Wish::Claim { epoch: 3, rank: 99 }));
    let visit = Visit {
        asker: Asker::Page,
        verb: Verb::Get,
        wallet: &called,
        marked: false,
        counts: true,
        at_the_door: false,
    };
    let admitted = after(Outcome::Admitted { pass: "p".into() }, &visit, None, NOW);
    assert_eq!(admitted, Sequel::TellWith(Standing::Admitted, "p".into()));
}

#[test]
fn every_outcome_has_its_sequel() {
    let wallet = holding(None, Some(ticket(99)), None);
    let visit = Visit {
        asker: Asker::Navigation,
        verb: Verb::Get,
        wallet: &wallet,
        marked: false,
        counts: true,
        at_the_door: false,
    };
    let busy = board(Phase::Busy);
    let sequel = |outcome| after(outcome, &visit, Some(&busy), NOW);
    assert_eq!(sequel(Outcome::Admitted { pass: "p".into() }), Sequel::PassWith("p".into()));
    assert_eq!(sequel(Outcome::Next { retry_ms: 1 }), Sequel::Tell(Standing::Next { place: Place(99) }));
    assert_eq!(sequel(Outcome::Used), Sequel::TellAndForget(Standing::TicketUsed));
    assert_eq!(sequel(Outcome::Void), Sequel::TellAndGreet(Standing::Joining));
    assert_eq!(sequel(Outcome::Busy), Sequel::TellAndGreet(Standing::Joining));
    assert_eq!(sequel(Outcome::Left), Sequel::TellAndForget(Standing::Left));
    assert_eq!(sequel(Outcome::Unknown), Sequel::Tell(Standing::Unavailable));
    assert_eq!(sequel(Outcome::Unreachable), Sequel::Tell(Standing::Reconnecting), "the place is kept");
    let joined = Outcome::Joined { ticket: "t".into(), rank: 500, joined_at_ms: NOW.0 };
    let told = sequel(joined);
    assert!(
        matches!(told, Sequel::TellWith(Standing::Waiting { place: Place(500), .. }, ref token) if token == "t")
    );
}

#[test]
fn in_passthrough_everybody_passes_and_persons_are_counted() {
    let enter = Decision::PassAndAsk(Wish::Enter { holder: HOLDER });
    let counted = |asker, counts| {
        decided(&nothing(), &board(Phase::Passthrough), |asked| {
            (asked.0.asker, asked.0.counts) = (asker, counts);
        })
    };
    assert_eq!(counted(Asker::Navigation, true), enter);
    assert_eq!(counted(Asker::Navigation, false), Decision::Pass);
    for asker in [Asker::SubResource, Asker::Prefetch, Asker::Upgrade] {
        assert_eq!(counted(asker, true), Decision::Pass, "{asker:?}");
    }
    assert_eq!(counted(Asker::Page, true), Decision::Tell(Standing::Admitted));
    let waiting = holding(None, Some(ticket(500)), None);
    assert_eq!(navigation(&waiting, &board(Phase::Passthrough)), enter, "nobody in line is kept out");
}

#[test]
fn reject_turns_newcomers_away_and_keeps_a_place() {
    for wallet in [nothing(), holding(None, None, Some(arrival(1_000)))] {
        assert_eq!(navigation(&wallet, &board(Phase::Reject)), Decision::Tell(Standing::Closed));
    }
    let called = holding(None, Some(ticket(5)), None);
    let board = Board { void: 0, ..board(Phase::Reject) };
    let told = navigation(&called, &board);
    assert!(matches!(told, Decision::Tell(Standing::Held { place: Some(Place(5)), .. })), "{told:?}");
}

#[test]
fn before_an_event_ranks_are_given_and_nobody_claims() {
    let board = Board { gathers_from: Some(500), void: 0, ..board(Phase::Prequeue) };
    assert_eq!(navigation(&nothing(), &board), Decision::TellAndGreet(Standing::Joining));
    let back = holding(None, None, Some(arrival(1_000)));
    assert_eq!(navigation(&back, &board), Decision::Ask(Wish::Join { holder: [6; 16] }));
    for (rank, place) in [(99, Some(Place(99))), (500, None)] {
        let told = navigation(&holding(None, Some(ticket(rank)), None), &board);
        let Decision::Tell(Standing::Prequeue { place: told, people: 900, .. }) = told else {
            panic!("{told:?}")
        };
        assert_eq!(told, place);
    }
}

#[test]
fn while_claims_are_closed_called_places_are_told_so_without_asking_the_room() {
    let called = holding(None, Some(ticket(50)), None);
    let closed = Board { claims_closed: true, ..board(Phase::Busy) };
    assert_eq!(navigation(&called, &closed), Decision::Tell(Standing::Next { place: Place(50) }));
    let claim = Decision::Ask(Wish::Claim { epoch: 3, rank: 50 });
    assert_eq!(navigation(&called, &board(Phase::Busy)), claim);
}

#[test]
fn within_a_minute_of_a_change_an_open_room_acts_as_busy() {
    let change =
        |seconds: u64| Scheduled { at_ms: NOW.0 + seconds * 1_000, phase: Phase::Prequeue, pass_epoch: 4 };
    let at =
        |seconds| navigation(&nothing(), &Board { changes: vec![change(seconds)], ..board(Phase::Open) });
    assert_eq!(at(61), Decision::Ask(Wish::Enter { holder: HOLDER }));
    assert_eq!(at(60), Decision::TellAndGreet(Standing::Joining));
}
