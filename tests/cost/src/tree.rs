//! The tree of objects in numbers: what each level does with what it is asked. Production decides these things in `durable::lobby`; here they
//! are said once more, because a model has to predict what is counted. Where one of them is changed there and not here, the counting
//! differs from the model and `make cost` fails.

use durable::units::Millis;
use simulation::scale::awake::HANDLING;

/// While it is busy, a leaf sends a batch so often, and a region.
pub const LEAF_EVERY: Millis = Millis(100);
/// See [`LEAF_EVERY`].
pub const REGION_EVERY: Millis = Millis(50);
/// A lobby gives out a board that is no older than this; for a newer one it asks its parent.
pub const BOARD_FRESH: Millis = Millis(999);
/// A data center asks for a board so often in a second while a line stands: one of its isolates whenever what its cache has is a second old,
/// and now and then a second one that asks while the first still waits.
pub const BOARD_ASKS_PER_SECOND: f64 = 1.5;

/// From an edge to its leaf, one way. These three and the next are assumed: they cost nothing themselves, but objects are awake while they wait.
pub const EDGE_TO_LEAF: Millis = Millis(10);
/// From a leaf to its region's lobby: the same city.
pub const LEAF_TO_REGION: Millis = Millis(5);
/// From a region to the Room: half of the world's way round, on average.
pub const REGION_TO_ROOM: Millis = Millis(60);
/// Until a commit is durable: confirmed by three followers in other data centers.
pub const COMMIT: Millis = Millis(10);
/// While there is always more, a Room commits so often (`SPACING_MS`, src/objects.mjs).
pub const SPACING: Millis = Millis(80);

/// Rows written for a commit that changes something: a row of the journal, in place of one that is needed no longer; and now and then a page that is rewritten in turn.
pub const ROWS_PER_COMMIT: f64 = 1.2;

/// How many calls a second a lobby makes that is asked at random so often a second: the next leaves when somebody has asked, and no sooner after the
/// last than its spacing, or than the answer to it if that was sooner.
pub fn batches_per_second(asked: f64, every: Millis, round_trip: Millis) -> f64 {
    if asked <= 0.0 {
        return 0.0;
    }
    let least = every.min(round_trip).0 as f64 / 1_000.0;
    1.0 / (least + (-asked * least).exp() / asked)
}

/// What a Room makes of its calls.
#[derive(Clone, Copy, Debug, Default)]
pub struct Commits {
    /// In a second.
    pub per_second: f64,
    /// How long a call waits for its own to begin, in seconds, on average.
    pub wait: f64,
    /// Which part of the time one is under way, or somebody waits for the next.
    pub awake: f64,
}

/// The commits of a Room that is called at random so often a second. It is *busy* from a
/// commit during which somebody calls until one that is for a single call and during which nobody does; then its commits begin no sooner than [`SPACING`] after each other,
/// and otherwise when somebody calls. Whoever calls on a beat is not there at random: this part of the time somebody is known to come soon.
pub fn commits(calls: f64, on_beat: f64) -> Commits {
    if calls <= 0.0 {
        return Commits::default();
    }
    let [commit, spacing] = [COMMIT, SPACING].map(|span| span.0 as f64 / 1_000.0);
    // Of nobody within a commit, and of nobody or one within the spacing.
    let (nobody, one_at_most) = ((-calls * commit).exp(), (-calls * spacing).exp() * (1.0 + calls * spacing));
    let (becomes_busy, calms_down) = (1.0 - nobody, one_at_most * nobody * (1.0 - on_beat));
    let busy = becomes_busy / (becomes_busy + calms_down);
    // From one to the next: nobody may have come yet when it is time.
    let after = |span: f64| span + (-calls * span).exp() / calls;
    let per_second = 1.0 / (busy * after(spacing) + (1.0 - busy) * after(commit));
    // Whoever calls within such a span waits for half of it; and it is a span's part of the time that they do.
    let wait = per_second * (busy * spacing * spacing + (1.0 - busy) * commit * commit) / 2.0;
    // From when the first has come who waits, once the last commit is done, until the next begins.
    let rest = spacing - commit;
    let waited_for = rest - nobody * (1.0 - (-calls * rest).exp()) / calls;
    Commits { per_second, wait, awake: (per_second * (commit + busy * waited_for)).min(1.0) }
}

/// What a lobby is asked for in a second, and what it brings itself.
#[derive(Clone, Copy, Debug)]
pub struct Boards {
    /// Times somebody asks it for a board.
    pub asked: f64,
    /// Batches that it sends: each brings a board back if there is no fresh one.
    pub brought: f64,
    /// How old a board is when it comes, in seconds, on average.
    pub age: f64,
    /// How long it is on its way, in seconds.
    pub way: f64,
    /// Passes given up: a batch brings no list of them, so that a board of after it is fetched once more.
    pub revoked: f64,
}

impl Boards {
    /// How long from one board to the next.
    fn lasts(&self) -> f64 {
        let fresh = BOARD_FRESH.0 as f64 / 1_000.0;
        (fresh - self.age).max(0.0) + 1.0 / (self.asked + self.brought) + self.way
    }

    /// How often in a second it asks its parent for a board.
    pub fn fetches_per_second(&self) -> f64 {
        if self.asked <= 0.0 {
            return 0.0;
        }
        let by_ask = self.asked / (self.asked + self.brought);
        let outdated = 1.0 - (-self.revoked * self.lasts()).exp();
        (by_ask + (1.0 - by_ask) * outdated) / self.lasts()
    }

    /// Which part of the time there is none that is fresh: who asks then waits for one.
    pub fn missing(&self) -> f64 {
        if self.asked + self.brought <= 0.0 {
            1.0
        } else {
            (self.way + 1.0 / (self.asked + self.brought)) / self.lasts()
        }
    }
}

/// Which part of the time an object is awake that is called at random so often a second, each call taking so long: calls overlap.
pub fn awake(calls: f64, each: Millis) -> f64 {
    1.0 - (-calls * each.max(HANDLING).0 as f64 / 1_000.0).exp()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lobby_calls_for_each_while_few_come_and_on_its_beat_while_many_do() {
        let batches = |asked| batches_per_second(asked, LEAF_EVERY, Millis(200));
        assert!((batches(0.1) - 0.1).abs() < 0.001);
        assert!((batches(1_000.0) - 10.0).abs() < 0.01);
        assert!((0.0..=0.0).contains(&batches(0.0)));
    }

    #[test]
    fn a_room_commits_for_each_while_few_call_and_on_its_beat_while_many_do() {
        let few = commits(0.1, 0.0);
        assert!((few.per_second - 0.1).abs() < 0.001 && few.wait < 0.001 && few.awake < 0.002, "{few:?}");
        let many = commits(200.0, 0.0);
        assert!((many.per_second - 12.5).abs() < 0.1 && (many.wait - 0.04).abs() < 0.001, "{many:?}");
        assert!((0.98..=1.0).contains(&many.awake), "{many:?}");
        let (on_beat, random) = (commits(20.0, 1.0).per_second, commits(20.0, 0.0).per_second);
        assert!(on_beat < 12.5 && random > 14.0, "{on_beat} {random}");
        assert!((0.0..=0.0).contains(&commits(0.0, 0.0).per_second));
    }

    #[test]
    fn a_board_is_fetched_once_a_second_at_most_and_less_where_batches_bring_it() {
        let fetches = |asked, brought, revoked| {
            Boards { asked, brought, age: 0.0, way: 0.0, revoked }.fetches_per_second()
        };
        assert!((fetches(1_000.0, 0.0, 0.0) - 1.0).abs() < 0.01);
        assert!((fetches(0.01, 0.0, 0.0) - 0.01).abs() < 0.001);
        assert!(fetches(1.0, 9.0, 0.0) < 0.1);
        assert!(fetches(1.0, 9.0, 100.0) > 0.9, "lists have to be fetched");
    }

    #[test]
    fn nobody_is_awake_longer_than_all_the_time() {
        assert!(awake(1e6, Millis(100)) <= 1.0);
        assert!((awake(1.0, Millis(10)) - 0.01).abs() < 0.001);
    }
}
