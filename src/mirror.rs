//! What the waiting page is told of the board's mirror (`docs/mirror.md`): where it is, and what it takes to say by another board what we would say by it.
//! Only who waits in plain order is told. What follows from the numbers of a board alone, the page says by itself (`web/waiting.js`): that nobody was called,
//! and how far the line has moved. For everything else it asks us.

use durable::board::{Board, Phase};
use durable::units::Millis;
use durable::wire::{Fields, Said as _};

use crate::poll::{Rhythm, SPREAD};
use crate::standing::{Notice, Standing};

/// Adds the field `mirror` to what the page's script is told, unless it has to ask us. Numbers without names are taken apart in the same order there.
pub(crate) fn tell(notice: &Notice<'_>, json: &mut String) {
    let (base, room, now) = (&notice.settings.board_mirror, notice.room, notice.now);
    let (Standing::Waiting { place, waited, .. }, Some(board)) = (notice.standing, notice.board) else {
        return;
    };
    if base.is_empty() || !is_plain(board) {
        return;
    }
    let texts = notice.language.texts();
    let Rhythm { shortest, longest, unsure, per_person, polls_per_wait, hidden_slower } =
        Rhythm::of(Millis(board.claim_window_ms));
    let intervals = [shortest.0, longest.0, unsure.0, per_person.0, SPREAD.0, polls_per_wait, hidden_slower];
    let known = [u64::from(board.version), u64::from(board.epoch), board.sequence, place.0, now.0, waited.0];
    json.push_str(",\"mirror\":");
    let fields = Fields(&[
        ("url", &[base, "/", room, ".json"].concat()),
        ("known", &known.as_slice()),
        ("rhythm", &intervals.as_slice()),
        ("people", &texts.people),
        ("minutes", &texts.minutes),
        ("hours", &texts.hours),
        ("range", &texts.range),
        ("under", &texts.under),
        ("unknown", &texts.unknown_wait),
    ]);
    fields.say(json);
}

/// Whether places are called one after the other, and nothing else is going on: then a place that was told stays what it is.
fn is_plain(board: &Board) -> bool {
    board.phase == Phase::Busy && board.rounds.is_none() && board.gathers_from.is_none()
}
