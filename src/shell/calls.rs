//! Calls to leaves and to the directory, and what the isolate learns from each answer.

use std::rc::Rc;

use durable::directory::Document;
use durable::platform;
use durable::protocol::{Answer, Ask, Outcome, Wish};
use durable::wire::Wire;
use worker::Env;

use super::ISOLATE;
use crate::route::Rooms;

/// The one leaf of a room. Further ones take their place here, by the client's address prefix.
fn leaf_of(room: &str) -> String {
    format!("{room}/leaf/0")
}

/// Fetches the directory's document. Says whether there is one to go by now: without a directory, what
/// the isolate has or the rooms of `[vars]` are used.
pub(super) async fn fetch_rooms(env: &Env) -> bool {
    let document = platform::call_json::<Document>(env, "DIRECTORY", "directory", "/document", None).await;
    let now = platform::now();
    match document {
        Ok(document) => {
            let rooms = Rc::new(Rooms::from_document(&document));
            ISOLATE.with_borrow_mut(|isolate| isolate.take_rooms(now, rooms));
            true
        }
        Err(error) => {
            platform::log(&format!("the directory cannot be reached: {error}"));
            ISOLATE.with_borrow_mut(|isolate| {
                if isolate.rooms(now).0.is_none() {
                    isolate.take_rooms(now, Rc::new(Rooms::from_vars(&platform::rooms_var(env))));
                } else {
                    isolate.keep_rooms(now);
                }
            });
            false
        }
    }
}

/// Fetches a room's board. Says whether it came.
pub(super) async fn fetch_board(env: &Env, room: &str) -> bool {
    ask_leaf(env, room, Wish::Board).await.board.is_some()
}

/// Asks a leaf, unless the same was asked a moment ago.
pub(super) async fn ask(env: &Env, room: &str, wish: Wish) -> Outcome {
    let now = platform::now();
    if let Some(outcome) = ISOLATE.with_borrow(|isolate| isolate.recall(now, &wish)) {
        return outcome;
    }
    let outcome = ask_leaf(env, room, wish).await.outcome;
    ISOLATE.with_borrow_mut(|isolate| {
        isolate.remember(now, wish, &outcome);
        if let (Wish::LeavePass { seat, generation, .. }, Some(held)) = (wish, isolate.board(room)) {
            held.revoked.insert((seat, generation));
        }
    });
    outcome
}

async fn ask_leaf(env: &Env, room: &str, wish: Wish) -> Answer {
    let revoked_seq =
        ISOLATE.with_borrow_mut(|isolate| isolate.board(room).map_or(0, |held| held.revoked_seq));
    let leaf = leaf_of(room);
    let path = format!("/{leaf}");
    let answer =
        platform::call_json::<Answer>(env, "LOBBY", &leaf, &path, Some(Ask { wish, revoked_seq }.to_value()))
            .await;
    let now = platform::now();
    match answer {
        Ok(answer) => {
            ISOLATE.with_borrow_mut(|isolate| isolate.take_answer(now, room, &answer));
            answer
        }
        Err(error) => {
            platform::log(&format!("a lobby cannot be reached: {error}"));
            Answer { outcome: Outcome::Unreachable, board: None, board_age_ms: 0, revocations: None }
        }
    }
}
