//! Requests on their way through an edge: the verdicts of the gate followed to their end, as `entry.mjs` does.

use anteroom::edge::Asked;
use anteroom::verdict::Verdict;
use durable::units::Millis;

use super::edge::{For, Sent};
use super::{Event, World};
use crate::workload::browser::{Aim, Cookie, Request, Told};
use crate::workload::visitor::Visitor;

/// Directory, board, a newer board, a wish: no request needs more errands.
const ERRANDS_MAX: u32 = 5;
/// Of a hundred answers the origin ends the session with so many, in rooms that listen.
const REVOKES_PERCENT: u64 = 3;
/// The origin's answer waits for a renewal no longer than this.
const RENEWAL_PATIENCE: Millis = Millis(150);

/// A request that is not answered yet.
pub(super) struct Underway {
    visitor: usize,
    tab: usize,
    edge: usize,
    life: u64,
    request: Request,
    laid: String,
    errands: u32,
    renewed: Option<Cookie>,
}

impl World<'_> {
    pub(super) fn come(&mut self, index: usize) {
        let now = self.queue.now();
        let plan = self.plan.visitors[index].clone();
        let (id, tabs) = (plan.id, plan.tabs);
        self.visitors.insert(id, Visitor::new(plan, now));
        for tab in 0..tabs {
            self.queue.after(Millis(tab * 37), Event::Look(id, tab as usize));
        }
    }

    pub(super) fn look(&mut self, id: usize, tab: usize) {
        let (now, is_quiet, edges) = (self.queue.now(), self.is_quiet, self.edges.len() as u64);
        let copied = self.visitors.get_mut(&id).and_then(|visitor| visitor.wants_copy(now));
        let copied = copied.and_then(|whose| self.visitors.get(&whose)).map(|whose| whose.jar.clone());
        let Some(visitor) = self.visitors.get_mut(&id) else { return };
        if let Some(jar) = copied {
            visitor.jar = jar;
        }
        let Some(request) = visitor.asks(now, tab, is_quiet) else { return };
        let dice = visitor.dice();
        let edge = if dice.percent(15) { dice.below(edges) } else { id as u64 % edges } as usize;
        let delay = dice.millis(3, 60);
        let (number, life, laid) = (self.number(), self.edges[edge].life, request.laid());
        let underway = Underway { visitor: id, tab, edge, life, request, laid, errands: 0, renewed: None };
        self.requests.insert(number, underway);
        self.queue.after(delay, Event::Arrive(number));
    }

    pub(super) fn arrive(&mut self, number: u64) {
        let now = self.queue.now();
        let Some(underway) = self.requests.get_mut(&number) else { return };
        let host = &mut self.edges[underway.edge];
        underway.life = host.life;
        let url = underway.laid.lines().next().unwrap_or_default();
        if host.admits(url, &underway.request.cookies, now) {
            self.pass(number, false);
        } else {
            self.gate(number);
        }
    }

    fn gate(&mut self, number: u64) {
        let now = self.queue.now();
        let entropy = [self.dice.bytes(), self.dice.bytes()];
        let Some(underway) = self.requests.get(&number) else { return };
        let host = &mut self.edges[underway.edge];
        let (clock, blind) = (host.clock(now), host.edge.blind());
        let verdict = host.edge.gate(&Asked::parse(&underway.laid), clock, entropy);
        let is_blind = host.edge.blind() > blind;
        if let Verdict::Answer(answer) | Verdict::Page(answer) = &verdict {
            self.auditor.edge_told(now, clock, &Told::read(answer));
        }
        self.follow(number, verdict, is_blind);
    }

    fn follow(&mut self, number: u64, verdict: Verdict, is_blind: bool) {
        let Some(underway) = self.requests.get_mut(&number) else { return };
        let edge = underway.edge;
        match verdict {
            Verdict::Origin => self.pass(number, is_blind),
            Verdict::OriginHeard(_) => {
                self.saw(number, None, is_blind);
                self.origin_said(number, None);
            }
            Verdict::OriginWith(line) => {
                let cookie = Cookie::read(&line);
                self.saw(number, Some(&cookie), is_blind);
                self.origin_said(number, Some(cookie));
            }
            Verdict::Errand(errand) if errand.starts_with('~') => {
                self.saw(number, None, is_blind);
                self.queue.after(RENEWAL_PATIENCE, Event::OriginAnswers(number));
                self.send(edge, Sent { whom: For::Renewal(number), errand });
            }
            Verdict::Errand(errand) => {
                underway.errands += 1;
                if underway.errands > ERRANDS_MAX {
                    self.answer(number, Told::Nothing);
                } else {
                    self.send(edge, Sent { whom: For::Request(number), errand });
                }
            }
            Verdict::Answer(answer) | Verdict::Page(answer) => self.answer(number, Told::read(&answer)),
            Verdict::Operator | Verdict::AllHeaders | Verdict::MoreHeaders(_) | Verdict::Apology => {
                self.answer(number, Told::Nothing);
            }
        }
        while let Some(errand) = self.edges[edge].edge.chore() {
            self.send(edge, Sent { whom: For::Chore, errand });
        }
    }

    /// An errand's reply came back to the request that waits for it.
    pub(super) fn errand_replied(&mut self, number: u64, errand: &str, reply: &str) {
        let now = self.queue.now();
        let entropy = [self.dice.bytes(), self.dice.bytes()];
        let Some(underway) = self.requests.get(&number) else { return };
        let host = &mut self.edges[underway.edge];
        if host.life != underway.life {
            return;
        }
        if errand.starts_with('@') {
            let edge = underway.edge;
            self.learn(edge, errand, reply);
            self.gate(number);
        } else {
            let clock = host.clock(now);
            let verdict = host.edge.told(&Asked::parse(&underway.laid), errand, reply, clock, entropy);
            self.follow(number, verdict, false);
        }
    }

    /// Its edge has heard what it wanted to know, and no object was asked.
    pub(super) fn informed(&mut self, edge: usize, number: u64) {
        let life = self.edges[edge].life;
        if self.requests.get(&number).is_some_and(|underway| underway.life == life) {
            self.gate(number);
        }
    }

    /// A renewal came back: the origin's answer brings it, if it is still on its way.
    pub(super) fn renewal_replied(&mut self, number: u64, edge: usize, errand: &str, reply: &str) {
        let now = self.queue.now();
        let entropy = [self.dice.bytes(), self.dice.bytes()];
        let host = &mut self.edges[edge];
        let clock = host.clock(now);
        let Some(underway) = self.requests.get_mut(&number) else {
            host.edge.learn(errand, reply, clock);
            return;
        };
        let verdict = host.edge.told(&Asked::parse(&underway.laid), errand, reply, clock, entropy);
        if let Verdict::OriginWith(line) = verdict {
            underway.renewed = Some(Cookie::read(&line));
        }
    }

    pub(super) fn origin_answers(&mut self, number: u64) {
        let Some(underway) = self.requests.get_mut(&number) else { return };
        let cookie = underway.renewed.take();
        self.origin_said(number, cookie);
    }

    /// The origin answered, and a cookie goes with that perhaps. Now and then it ends the session (src/commands.mjs).
    fn origin_said(&mut self, number: u64, cookie: Option<Cookie>) {
        let revoked = self.origin_revokes(number, cookie.as_ref());
        self.answer(number, Told::Origin(revoked.or(cookie)));
    }

    fn origin_revokes(&mut self, number: u64, kept: Option<&Cookie>) -> Option<Cookie> {
        if !self.hears_origin() || !self.dice.percent(REVOKES_PERCENT) {
            return None;
        }
        let now = self.queue.now();
        let Underway { edge, laid, .. } = self.requests.get(&number)?;
        let (edge, laid) = (*edge, bringing(laid, kept));
        let host = &mut self.edges[edge];
        let clock = host.clock(now);
        let said = host.edge.revoke(&Asked::parse(&laid), clock)?;
        let (line, errand) = said.split_once('\n')?;
        self.trace.note(now, format_args!("the origin ends the session of request {number}"));
        self.send(edge, Sent { whom: For::Chore, errand: errand.to_owned() });
        Some(Cookie::read(line))
    }

    /// To the origin, and nobody listens to what it says.
    fn pass(&mut self, number: u64, is_blind: bool) {
        self.saw(number, None, is_blind);
        self.answer(number, Told::Origin(None));
    }

    /// The origin sees a request.
    fn saw(&mut self, number: u64, cookie: Option<&Cookie>, is_blind: bool) {
        let Some(underway) = self.requests.get(&number) else { return };
        let tokens = underway.request.cookies.split(';').filter_map(|pair| Some(pair.split_once('=')?.1));
        let tokens: Vec<&str> = cookie.and_then(Cookie::token).into_iter().chain(tokens).collect();
        let now = self.queue.now();
        let clock = self.edges[underway.edge].clock(now);
        self.auditor.origin_saw(now, clock, &tokens, is_blind);
    }

    fn answer(&mut self, number: u64, told: Told) {
        let delay = self.dice.millis(3, 60);
        self.queue.after(delay, Event::VisitorHears(number, told));
    }

    pub(super) fn visitor_hears(&mut self, number: u64, told: Told) {
        let now = self.queue.now();
        let Some(Underway { visitor: id, tab, edge, request, .. }) = self.requests.remove(&number) else {
            return;
        };
        let Some(visitor) = self.visitors.get_mut(&id) else { return };
        let what = match &told {
            Told::Origin(_) => "the origin's page",
            Told::Answer { state, .. } => state.as_str(),
            Told::Nothing => "nothing",
        };
        let aim = if request.aim == Aim::Leave { "leaves" } else { "asks" };
        self.trace.note(now, format_args!("visitor {id}.{tab} {aim} edge {edge} and is told {what}"));
        self.auditor.visitor_heard(now, id, &request, &told);
        if let Some(delay) = visitor.hears(now, tab, &told) {
            self.queue.after(delay.max(Millis(1)), Event::Look(id, tab));
        }
    }

    /// Everybody whose request was under way in an isolate that is lost hears nothing.
    pub(super) fn drop_requests(&mut self, edge: usize) {
        let lost: Vec<u64> = self
            .requests
            .iter()
            .filter(|(_, underway)| underway.edge == edge)
            .map(|(number, _)| *number)
            .collect();
        for number in lost {
            self.queue.after(Millis(50), Event::VisitorHears(number, Told::Nothing));
        }
    }
}

/// The request as if it had brought this cookie.
fn bringing(laid: &str, kept: Option<&Cookie>) -> String {
    let (Some(Cookie::Keep(pair)), Some((url, rest))) = (kept, laid.split_once('\n')) else {
        return laid.to_owned();
    };
    let (_, rest) = rest.split_once('\n').unwrap_or_default();
    format!("{url}\n{pair}\n{rest}")
}
