//! One visitor: comes, asks as they were told or otherwise, sleeps, strays, gives up, stays a while inside. What they do is drawn from
//! their own seed, so that one visitor more or less changes nothing for the others.

use durable::units::Millis;

use super::browser::{Aim, Client, Cookie, Request, Told};
use crate::dice::Dice;

/// The longest that somebody waits who hears nothing.
const BACKOFF_MAX: Millis = Millis(16_000);
/// Who was told that their ticket is used begins again this often.
const BEGINNINGS_MAX: u32 = 20;
/// After the rush nobody stays longer inside.
const QUIET_STAY: Millis = Millis(4_000);

/// Who comes, and what becomes of them.
#[derive(Clone, Debug)]
pub struct VisitorPlan {
    /// Their number, whoever else comes.
    pub id: usize,
    /// What they draw from.
    pub seed: u64,
    /// They come so long after noon.
    pub after: Millis,
    /// Who speaks for them.
    pub client: Client,
    /// Windows with the same cookies.
    pub tabs: u64,
    /// They ask again before they were told to.
    pub is_hasty: bool,
    /// They look away, so long after they came, for so long.
    pub sleeps: Option<(Millis, Millis)>,
    /// They give up so long after they came.
    pub gives_up: Option<Millis>,
    /// They say so when they leave.
    pub says_goodbye: bool,
    /// They go on with the pass that they gave up.
    pub clings: bool,
    /// They throw their cookies away.
    pub forgets: Option<Millis>,
    /// They take a copy of this visitor's cookies.
    pub copies: Option<(Millis, usize)>,
    /// They send what is no token of ours.
    pub forges: bool,
    /// They stay so long inside.
    pub stay: Millis,
    /// Inside they ask this often.
    pub every: Millis,
}

impl VisitorPlan {
    /// Draws one of `count`, who comes before `latest`.
    pub fn draw(dice: &mut Dice, id: usize, count: usize, latest: Millis, is_long: bool) -> VisitorPlan {
        let early = dice.percent(60);
        let copies = dice.maybe(10, |dice| (dice.millis(2_000, 100_000), dice.below(count as u64) as usize));
        let nap = if is_long && dice.percent(30) { 2_400_000 } else { 200_000 };
        VisitorPlan {
            id,
            seed: dice.seed(),
            after: dice.millis(0, if early { 5_000 } else { latest.0 }),
            client: dice.pick(&[Client::App, Client::App, Client::App, Client::Script, Client::Plain]),
            tabs: if dice.percent(15) { dice.between(2, 4) } else { 1 },
            is_hasty: dice.percent(20),
            sleeps: dice.maybe(20, |dice| (dice.millis(1_000, 90_000), dice.millis(10_000, nap))),
            gives_up: dice.maybe(15, |dice| dice.millis(1_000, 150_000)),
            says_goodbye: dice.percent(50),
            clings: dice.percent(30),
            forgets: dice.maybe(5, |dice| dice.millis(1_000, 100_000)),
            copies,
            forges: dice.percent(3),
            stay: if dice.percent(25) { dice.millis(60_000, 400_000) } else { dice.millis(0, 20_000) },
            every: if dice.percent(15) { dice.millis(20_000, 150_000) } else { dice.millis(500, 12_000) },
        }
    }

    /// Whether they keep asking until they are inside, with a ticket that nobody else can give up.
    pub fn persists(&self) -> bool {
        self.gives_up.is_none() && self.copies.is_none() && !self.forges
    }
}

/// What one window shows.
#[derive(Clone, Debug, Default)]
struct Tab {
    state: String,
    failures: u32,
    is_closed: bool,
}

/// A visitor on their way.
#[derive(Clone, Debug)]
pub struct Visitor {
    /// What they are like.
    pub plan: VisitorPlan,
    /// They were inside, at least once.
    pub got_in: bool,
    /// Their cookie for the room.
    pub jar: String,
    dice: Dice,
    tabs: Vec<Tab>,
    came_at: Millis,
    inside_since: Option<Millis>,
    has_slept: bool,
    has_forgotten: bool,
    has_copied: bool,
    beginnings: u32,
    /// What they gave up, and go on with.
    clung_to: Option<String>,
}

impl Visitor {
    /// They come now.
    pub fn new(plan: VisitorPlan, now: Millis) -> Visitor {
        let tabs = vec![Tab::default(); plan.tabs as usize];
        Visitor {
            dice: Dice::new(plan.seed),
            plan,
            got_in: false,
            jar: String::new(),
            tabs,
            came_at: now,
            inside_since: None,
            has_slept: false,
            has_forgotten: false,
            has_copied: false,
            beginnings: 0,
            clung_to: None,
        }
    }

    /// Whether they still want something.
    pub fn is_waiting(&self) -> bool {
        self.plan.persists() && !self.got_in
    }

    /// Their own stream of chance.
    pub fn dice(&mut self) -> &mut Dice {
        &mut self.dice
    }

    /// Whose cookies they want to copy just now.
    pub fn wants_copy(&mut self, now: Millis) -> Option<usize> {
        let (after, whose) = self.plan.copies?;
        let wants = !self.has_copied && !self.got_in && now.since(self.came_at) >= after;
        self.has_copied |= wants;
        wants.then_some(whose)
    }

    /// They look at a window: what it asks, if it asks at all.
    pub fn asks(&mut self, now: Millis, tab: usize, is_quiet: bool) -> Option<Request> {
        let here_for = now.since(self.came_at);
        if self.plan.forgets.is_some_and(|after| here_for >= after) && !self.has_forgotten {
            self.has_forgotten = true;
            self.jar.clear();
        }
        let stay = if is_quiet { self.plan.stay.min(QUIET_STAY) } else { self.plan.stay };
        let is_done = self.inside_since.is_some_and(|since| now.since(since) > stay);
        let gives_up = self.plan.gives_up.is_some_and(|after| here_for >= after);
        let (says_goodbye, client) = (self.plan.says_goodbye, self.plan.client);
        let shown = self.tabs.get_mut(tab).filter(|shown| !shown.is_closed)?;
        // Nobody forges for ever: each forgery takes another place in line.
        let gives_up = gives_up || (self.plan.forges && is_quiet);
        if (is_done || gives_up) && self.clung_to.is_none() {
            let leaving = says_goodbye.then(|| self.request(client, Aim::Leave));
            self.clung_to = leaving.as_ref().filter(|_| self.plan.clings).map(|left| left.cookies.clone());
            self.tabs[tab].is_closed = self.clung_to.is_none();
            return leaving;
        }
        let at_target = matches!(shown.state.as_str(), "" | "joining" | "your_turn" | "next" | "inside");
        let aim = if at_target || client != Client::Script { Aim::Target } else { Aim::Whereabouts };
        let navigates = shown.state == "inside" && client == Client::Script;
        Some(self.request(if navigates { Client::Plain } else { client }, aim))
    }

    /// What a window heard, and when it asks next, if it does.
    pub fn hears(&mut self, now: Millis, tab: usize, told: &Told) -> Option<Millis> {
        match told.cookie() {
            Some(Cookie::Keep(pair)) => self.jar = pair.clone(),
            Some(Cookie::Drop) => self.jar.clear(),
            None => {}
        }
        let shown = self.tabs.get_mut(tab).filter(|shown| !shown.is_closed)?;
        let (state, retry) = match told {
            Told::Nothing => {
                shown.failures += 1;
                let longest = Millis(1_000 << shown.failures.min(6)).min(BACKOFF_MAX);
                return Some(self.dice.millis(longest.0 / 2, longest.0));
            }
            Told::Origin(_) => ("inside", self.plan.every),
            Told::Answer { state, retry, .. } if state == "admitted" => ("inside", (*retry).min(Millis(0))),
            Told::Answer { state, retry, .. } => (state.as_str(), *retry),
        };
        shown.failures = 0;
        let turned = state == "your_turn" && shown.state != state;
        shown.state = state.to_owned();
        if state == "inside" {
            if matches!(told, Told::Origin(_)) {
                self.got_in = true;
                self.inside_since.get_or_insert(now);
            }
            return Some(retry);
        }
        // Whoever was inside and is no longer has had their turn.
        if self.got_in && state != "left" {
            shown.is_closed = true;
            return None;
        }
        if self.clung_to.is_some() {
            shown.is_closed = state != "left";
            // At once, or when the pass would have expired.
            let asks_late = self.dice.percent(50);
            return Some(if asks_late { self.dice.millis(20_000, 150_000) } else { Millis(500) });
        }
        if matches!(state, "ticket_used" | "left" | "cookies_blocked") {
            self.beginnings += 1;
            shown.state = String::new();
            shown.is_closed = self.beginnings > BEGINNINGS_MAX;
            return Some(Millis(1_000));
        }
        Some(self.patience(now, if turned { Millis(0) } else { retry }))
    }

    /// How long they really wait when they were told to wait so long.
    fn patience(&mut self, now: Millis, told: Millis) -> Millis {
        if let Some((after, nap)) = self.plan.sleeps
            && !self.has_slept
            && now.since(self.came_at) >= after
        {
            self.has_slept = true;
            return told.max(nap);
        }
        if self.plan.is_hasty { Millis(self.dice.between(told.0 / 10, told.0)) } else { told }
    }

    fn request(&mut self, client: Client, aim: Aim) -> Request {
        let cookies = match &self.clung_to {
            Some(given_up) => given_up.clone(),
            None if self.plan.forges => self.forgery(),
            None => self.jar.clone(),
        };
        Request { client, aim, cookies }
    }

    /// What they have, cut, changed, doubled, or somebody else's.
    fn forgery(&mut self) -> String {
        let (name, token) = self.jar.split_once('=').unwrap_or(("__Host-anteroom-00000000", "AgEAAAA"));
        let at = self.dice.below(token.len() as u64) as usize;
        match self.dice.below(5) {
            0 => format!("{name}={}", token.get(..at).unwrap_or_default()),
            1 => {
                let swapped: String = token
                    .char_indices()
                    .map(|(index, letter)| if index == at { 'x' } else { letter })
                    .collect();
                format!("{name}={swapped}")
            }
            2 => format!("{name}={token};{name}={token};{name}=;{name}={token}{token};{name}=A"),
            3 => format!("{name}=Aw{};{name}=Ag{token}", "A".repeat(at)),
            _ => self.jar.clone(),
        }
    }
}
