//! What happens in an hour, by kind: computed or counted, and compared.

/// Calls to the objects of one level.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Level {
    /// Calls, alarms among them.
    pub calls: f64,
    /// Seconds during which objects of it are awake, summed over them.
    pub awake_seconds: f64,
}

/// What happens in an hour.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Operations {
    /// First contacts, and the page that comes back for a rank.
    pub arrivals: f64,
    /// Times a page asked by its script.
    pub polls: f64,
    /// Times a page without script came back.
    pub returns: f64,
    /// Times a called visitor asked to be let in, and went there.
    pub entries: f64,
    /// Requests of those inside.
    pub inside: f64,
    /// The leaf lobbies.
    pub leaves: Level,
    /// The region lobbies.
    pub regions: Level,
    /// The Room.
    pub room: Level,
    /// Commits of the Room.
    pub commits: f64,
    /// Rows it wrote and deleted, alarms among them.
    pub rows: f64,
    /// Seats given.
    pub admitted: f64,
}

/// A figure of both.
#[derive(Clone, Copy, Debug)]
pub struct Compared {
    /// Which.
    pub name: &'static str,
    /// By the model.
    pub computed: f64,
    /// By the simulation.
    pub counted: f64,
}

impl Compared {
    /// How far the model is off, of what was counted.
    pub fn off(&self) -> f64 {
        (self.computed - self.counted) / self.counted.max(1.0)
    }
}

/// Both, figure by figure: those that money or objects depend on.
pub fn compare(computed: &Operations, counted: &Operations) -> Vec<Compared> {
    let figure =
        |name, of: fn(&Operations) -> f64| Compared { name, computed: of(computed), counted: of(counted) };
    vec![
        figure("arrivals", |it| it.arrivals),
        figure("polls", |it| it.polls),
        figure("returns_without_script", |it| it.returns),
        figure("entries", |it| it.entries),
        figure("requests_inside", |it| it.inside),
        figure("admitted", |it| it.admitted),
        figure("leaf_calls", |it| it.leaves.calls),
        figure("leaf_awake_seconds", |it| it.leaves.awake_seconds),
        figure("region_calls", |it| it.regions.calls),
        figure("region_awake_seconds", |it| it.regions.awake_seconds),
        figure("room_calls", |it| it.room.calls),
        figure("room_awake_seconds", |it| it.room.awake_seconds),
        figure("commits", |it| it.commits),
        figure("rows", |it| it.rows),
    ]
}
