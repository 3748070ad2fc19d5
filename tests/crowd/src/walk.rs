//! One visitor's walk: to the door, in line, inside, out. It sends what [`crate::steps`] says and writes down in
//! [`crate::record`] what is heard; one request at a time, as the waiting page does it. Ends by itself: in line at the
//! deadline, inside after a counted number of requests.

use crate::args::Options;
use crate::client::{Ask, Browser, Client, Intent, Sent};
use crate::heard::{Answer, Asked, Heard};
use crate::jar::Jar;
use crate::progress::{Progress, Whereabouts};
use crate::record::{End, Life};
use crate::steps::{Line, Step};
use crate::target::OwnPaths;
use hyper::Method;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout_at};

/// How often a redirect is followed after one form.
const REDIRECTS_MAX: u32 = 5;
/// Somebody who gives up does so after being told twice to wait.
const PATIENCE: u32 = 2;
/// Somebody inside asks the shop for something so often.
const STIR: Duration = Duration::from_secs(1);

/// Whoever goes says so again if nobody answers, so often and so soon: else the shop, or the room, would count somebody who is gone.
const GOODBYES_MAX: u32 = 30;
const GOODBYE_AGAIN: Duration = Duration::from_secs(1);

/// How somebody loses patience.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Temper {
    /// Not at all.
    Patient,
    /// Presses the button that gives the place up.
    Leaves,
    /// Closes the window, and nobody is told.
    Vanishes,
}

impl Temper {
    /// The temper of a visitor with this number, if so many of 100 lose patience: spread evenly, both kinds in turn.
    pub fn of(number: u32, give_up_percent: u32) -> Temper {
        let before = u64::from(number) * u64::from(give_up_percent) / 100;
        let after = (u64::from(number) + 1) * u64::from(give_up_percent) / 100;
        match (before == after, before % 2) {
            (true, _) => Temper::Patient,
            (false, 0) => Temper::Leaves,
            (false, _) => Temper::Vanishes,
        }
    }
}

/// What all visitors share.
pub struct Scene {
    /// The connections.
    pub client: Arc<Client>,
    /// What the crowd does.
    pub options: Options,
    /// The gate's own paths.
    pub own: OwnPaths,
    /// When whoever is in line has lost.
    pub deadline: Instant,
    /// Where it is shown who is where.
    pub progress: Progress,
}

struct Visitor<'a> {
    scene: &'a Scene,
    browser: Browser,
    jar: Jar,
    life: Life,
}

/// Walks one visitor from the first request to the last.
pub async fn walk(scene: &Scene, number: u32) -> Life {
    let mut visitor =
        Visitor { scene, browser: Browser::of(number), jar: Jar::default(), life: Life::default() };
    if scene.options.has_crashes {
        // As from a visit before: with an id of its own a visit is one to the shop, though its first answer be lost.
        visitor.jar.keep(&format!("shop_session=00000000-0000-4000-8000-{number:012}; Path=/"), "/");
    }
    let temper = Temper::of(number, scene.options.give_up_percent);
    visitor.life.arrived = scene.client.now();
    scene.progress.arrived();
    let outcome = timeout_at(scene.deadline, visitor.stand_in_line(temper)).await;
    if let Ok(Step::Enter) = outcome {
        scene.progress.entered();
        visitor.shop().await;
        visitor.leave().await;
        visitor.life.end = End::Through;
        scene.progress.gone(Whereabouts::Inside);
        return visitor.life;
    }
    match outcome {
        Ok(Step::GiveUp) => {
            visitor.life.end = End::GaveUp;
            if temper == Temper::Leaves {
                visitor.leave().await;
            }
        }
        // Whoever was turned away has its state written down already.
        Ok(_) => {}
        Err(_) => visitor.life.end = End::OutOfTime,
    }
    scene.progress.gone(Whereabouts::Waiting);
    visitor.life
}

impl Visitor<'_> {
    async fn stand_in_line(&mut self, temper: Temper) -> Step {
        let patience = (temper != Temper::Patient).then_some(PATIENCE);
        let mut line = Line::new(self.scene.options.poll_max, patience);
        let mut step = line.first();
        while let Step::Ask { after, asked } = step {
            sleep(after).await;
            let wanted = self.scene.options.url.path_and_query();
            let (intent, path) = match asked {
                Asked::Navigate => (Intent::Navigate, wanted),
                Asked::Join => (Intent::WaitingPage, wanted),
                Asked::Stand => (Intent::WaitingPage, self.scene.own.wait.as_str()),
            };
            let sent = self.send(intent, &Method::GET, path).await;
            let heard = Heard::read(asked, &sent.answer);
            self.life.hear(asked, sent.at, sent.heard_at, &heard);
            step = line.next(asked, &heard);
            if let (Step::Stop, Heard::Ours(told)) = (step, &heard) {
                self.life.end = End::TurnedAway(told.state.name().to_owned());
            }
        }
        step
    }

    /// From the front page to the purchase, and a while longer.
    async fn shop(&mut self) {
        self.visit(Intent::Style, &Method::GET, "/style.css").await;
        self.visit(Intent::Script, &Method::GET, "/api/stock").await;
        self.visit(Intent::Navigate, &Method::GET, "/item/1").await;
        self.submit("/cart").await;
        if self.submit("/purchase").await {
            self.life.bought = Some(self.scene.client.now());
        }
        let mut left = self.scene.options.stay;
        while !left.is_zero() {
            let pause = left.min(STIR);
            sleep(pause).await;
            left -= pause;
            if !left.is_zero() {
                self.visit(Intent::Script, &Method::GET, "/api/stock").await;
            }
        }
        // First the shop forgets who was here, then the seat is given back: in the other order the next visitor
        // could be counted beside this one.
        self.life.leaving = Some(self.scene.client.now());
        for _ in 0..GOODBYES_MAX {
            if self.visit(Intent::Form, &Method::POST, "/bye").await.is_some() {
                break;
            }
            sleep(GOODBYE_AGAIN).await;
        }
    }

    async fn leave(&mut self) {
        let scene = self.scene;
        for _ in 0..GOODBYES_MAX {
            let sent = self.send(Intent::Form, &Method::POST, &scene.own.leave).await;
            // The answer is a page: what counts is its state.
            let heard = Heard::read(Asked::Navigate, &sent.answer);
            self.life.hear_leaving(sent.heard_at, &heard);
            if sent.answer.is_ok() {
                break;
            }
            sleep(GOODBYE_AGAIN).await;
        }
    }

    /// Sends a form and follows where it leads. Whether it ended on a page of the origin's.
    async fn submit(&mut self, path: &str) -> bool {
        let mut answer = self.visit(Intent::Form, &Method::POST, path).await;
        for _ in 0..REDIRECTS_MAX {
            let Some(Answer { status, anteroom: None, location, .. }) = &answer else { return false };
            let next = location.as_deref().and_then(|location| self.scene.options.url.follow(location));
            match (status, next) {
                (300..=399, Some(next)) => {
                    let next = next.to_owned();
                    answer = self.visit(Intent::Navigate, &Method::GET, &next).await;
                }
                (200..=299, _) => return true,
                _ => return false,
            }
        }
        self.life.fault(format!("{path} led from redirect to redirect"));
        false
    }

    /// A request of somebody inside.
    async fn visit(&mut self, intent: Intent, method: &Method, path: &str) -> Option<Answer> {
        let sent = self.send(intent, method, path).await;
        // Whoever is inside needs to know only whose answer it is.
        self.life.hear_inside(path, &Heard::read(Asked::Navigate, &sent.answer));
        sent.answer.ok()
    }

    async fn send(&mut self, intent: Intent, method: &Method, path: &str) -> Sent {
        let cookie = self.jar.header(path);
        let browser = self.browser;
        let sent =
            self.scene.client.send(Ask { browser, intent, method, path, cookie: cookie.as_deref() }).await;
        if let Ok(answer) = &sent.answer {
            answer.cookies.iter().for_each(|line| self.jar.keep(line, path));
        }
        sent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tempers(percent: u32) -> [usize; 3] {
        let all: Vec<Temper> = (0..1_000).map(|number| Temper::of(number, percent)).collect();
        [Temper::Patient, Temper::Leaves, Temper::Vanishes]
            .map(|kind| all.iter().filter(|temper| **temper == kind).count())
    }

    #[test]
    fn impatience_is_as_common_as_asked_and_of_both_kinds() {
        assert_eq!(tempers(0), [1_000, 0, 0]);
        assert_eq!(tempers(10), [900, 50, 50]);
        assert_eq!(tempers(100), [0, 500, 500]);
    }
}
