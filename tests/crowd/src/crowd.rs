//! The whole crowd: first those without cookies, then everybody in turn, and what the shop counted meanwhile. Decides
//! nothing about right and wrong: it gathers the [`Evidence`]. Fails only where no crowd can begin.

use crate::args::Options;
use crate::client::{Ask, Browser, Client, Intent};
use crate::heard::{Answer, Asked, Failure, Heard};
use crate::progress::Progress;
use crate::record::Life;
use crate::target::{Target, own_paths};
use crate::verdict::{Cookieless, Evidence, ShopCount};
use crate::walk::{Scene, walk};
use hyper::Method;
use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

/// Lets the crowd loose and gathers what it lived through. The error says why it could not begin.
pub async fn run(options: Options) -> Result<Evidence, String> {
    let client = Client::new(&options.url, options.connections)?;
    knock(&client, &options.url).await?;
    let shop = options.shop_stats.as_ref().map(Shop::new).transpose()?;
    if let Some(shop) = &shop {
        shop.reset().await?;
    }
    let client = Arc::new(client);
    let cookieless = without_cookies(&client, &options).await;
    let scene = Arc::new(Scene {
        own: own_paths(&options.room_path, options.url.path_and_query()),
        deadline: Instant::now() + options.timeout,
        progress: Progress::new(options.visitors, options.talk),
        client,
        options,
    });
    let began = scene.client.now();
    let lives = everybody(&scene).await;
    let took_ms = scene.client.now().since_ms(began);
    scene.progress.finish();
    let shop = match &shop {
        Some(shop) => Some(shop.count().await),
        None => None,
    };
    let Options { limit, has_crashes, .. } = scene.options;
    Ok(Evidence { lives, cookieless, limit, shop, has_crashes, took_ms })
}

/// `/robots.txt` is past every gate and takes nobody's seat.
async fn knock(client: &Client, url: &Target) -> Result<(), String> {
    match get(client, &Method::GET, "/robots.txt").await {
        Err(Failure::Connect) => Err(format!(
            "nothing answers at {}: start it with `make dev`, or name another --url",
            url.origin()
        )),
        _ => Ok(()),
    }
}

async fn get(client: &Client, method: &Method, path: &str) -> Result<Answer, Failure> {
    let ask = Ask { browser: Browser::of(0), intent: Intent::Script, method, path, cookie: None };
    client.send(ask).await.answer
}

async fn without_cookies(client: &Arc<Client>, options: &Options) -> Cookieless {
    let left = Arc::new(AtomicU32::new(options.cookieless));
    let mut clients = JoinSet::new();
    for number in 0..options.connections.min(options.cookieless) {
        let (client, left) = (Arc::clone(client), Arc::clone(&left));
        let path = options.url.path_and_query().to_owned();
        clients.spawn(async move {
            let mut sum = Cookieless::default();
            let take = |left: u32| left.checked_sub(1);
            while left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok() {
                let (browser, intent) = (Browser::of(number), Intent::Navigate);
                let sent = client
                    .send(Ask { browser, intent, method: &Method::GET, path: &path, cookie: None })
                    .await;
                sum.sent += 1;
                match Heard::read(Asked::Navigate, &sent.answer) {
                    Heard::Origin { .. } => sum.inside += 1,
                    Heard::Nothing(_) => sum.failed += 1,
                    Heard::Ours(_) => {}
                }
            }
            sum
        });
    }
    clients.join_all().await.into_iter().fold(Cookieless::default(), |sum, part| Cookieless {
        sent: sum.sent + part.sent,
        inside: sum.inside + part.inside,
        failed: sum.failed + part.failed,
    })
}

async fn everybody(scene: &Arc<Scene>) -> Vec<Life> {
    let start = Instant::now();
    let Options { visitors, arrive, .. } = scene.options;
    let mut walks = JoinSet::new();
    for number in 0..visitors {
        let scene = Arc::clone(scene);
        let arrives = start + arrive * number / visitors;
        walks.spawn(async move {
            sleep_until(arrives).await;
            walk(&scene, number).await
        });
    }
    walks.join_all().await
}

/// The demo shop's own port.
struct Shop {
    client: Client,
    path: String,
}

impl Shop {
    fn new(target: &Target) -> Result<Shop, String> {
        Ok(Shop { client: Client::new(target, 1)?, path: target.path_and_query().to_owned() })
    }

    async fn reset(&self) -> Result<(), String> {
        let path = format!("{}/reset", self.path);
        match get(&self.client, &Method::POST, &path).await {
            Ok(Answer { status: 200..=299, .. }) => Ok(()),
            Ok(Answer { status, .. }) => Err(format!("--shop-stats: POST {path} answered {status}")),
            Err(failure) => Err(format!("--shop-stats: POST {path}: {}", failure.name())),
        }
    }

    async fn count(&self) -> Result<ShopCount, String> {
        let answer =
            get(&self.client, &Method::GET, &self.path).await.map_err(|failure| failure.name().to_owned());
        let stats = answer.and_then(|answer| {
            serde_json::from_slice::<Value>(&answer.body).map_err(|error| format!("no JSON: {error}"))
        });
        let stats = stats?;
        let number =
            |name: &str| stats.get(name).and_then(Value::as_u64).ok_or(format!("no number {name:?}"));
        Ok(ShopCount {
            inside_max: number("inside_max")?,
            sessions: number("sessions")?,
            purchases: number("purchases")?,
        })
    }
}
