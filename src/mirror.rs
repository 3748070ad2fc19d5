//! What the waiting page is told of the board's mirror (`docs/mirror.md`): where it is, and what it takes to say by another board what we would say by it.
//! Only who waits in plain order is told. What follows from the numbers of a board alone, the page says by itself (`web/waiting.js`): that nobody was called,
//! and how far the line has moved. For everything else it asks us.

use durable::board::{Board, Phase};
use durable::units::Millis;
use durable::wire::{Fields, to_text};

use crate::poll::{Rhythm, SPREAD};
use crate::standing::{Notice, Standing};

/// The object `mirror` of what the page's script is told; none where it has to ask us.
pub(crate) fn told(notice: &Notice<'_>) -> Option<String> {
    let Standing::Waiting { place, waited, .. } = notice.standing else { return None };
    let (base, room) = (&notice.settings.board_mirror, notice.room);
    let Board { version, epoch, sequence, claim_window_ms, .. } =
        *notice.board.filter(|board| !base.is_empty() && is_plain(board))?;
    let Rhythm { shortest, longest, unsure, per_person, polls_per_wait, hidden_slower } =
        Rhythm::of(Millis(claim_window_ms));
    let texts = notice.language.texts();
    Some(to_text(&Fields(&[
        ("url", &[base, "/", room, ".json"].concat()),
        ("now", &notice.now.0),
        ("version", &version),
        ("epoch", &epoch),
        ("sequence", &sequence),
        ("place", &place.0),
        ("waited", &waited.0),
        ("shortest", &shortest.0),
        ("longest", &longest.0),
        ("unsure", &unsure.0),
        ("perPerson", &per_person.0),
        ("pollsPerWait", &polls_per_wait),
        ("hiddenSlower", &hidden_slower),
        ("spread", &SPREAD.0),
        ("people", &texts.people),
        ("minutes", &texts.minutes),
        ("hours", &texts.hours),
        ("range", &texts.range),
        ("under", &texts.under),
        ("unknown", &texts.unknown_wait),
    ])))
}

/// Whether places are called one after the other, and nothing else is going on: then a place that was told stays what it is.
fn is_plain(board: &Board) -> bool {
    board.phase == Phase::Busy && board.rounds.is_none() && board.gathers_from.is_none()
}
