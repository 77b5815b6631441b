//! `cargo bench --bench pace`: throughput and latency of a server, with the adaptive client and with fixed numbers of
//! connections. The server is a sandbox of limited capacity; excess requests queue, as at a real Kazoo. The latency is
//! that of the server: queueing and work, without the client.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use emblazon::live::{ClientConfig, Credential, ReadClient};
use emblazon::model::{AccountId, Secret};
use emblazon::sandbox::{Capacity, Options, Sandbox, Seed};
use tokio::task::JoinSet;

mod measure;

use measure::row;

/// Time for a client to find its pace, and the time of measurement after that.
const SETTLING: Duration = Duration::from_secs(5);
const WINDOW: Duration = Duration::from_secs(5);

/// Tasks that send requests endlessly; only the server's counts within the window matter.
const ASKING: usize = 64;

/// The measured client.
#[derive(Clone, Copy)]
enum Client {
    Adaptive,
    Fixed(usize),
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // It fails if a provider is installed already, which is fine: there is only one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    row(&[
        "capacity",
        "workers",
        "client",
        "requests/s",
        "of capacity",
        "latency",
        "of alone",
    ]
    .map(str::to_owned));
    for (per_second, workers) in [(160, 2), (400, 8), (50, 1)] {
        let capacity = Capacity {
            per_second,
            workers,
        };
        for client in [
            Client::Adaptive,
            Client::Fixed(1),
            Client::Fixed(2),
            Client::Fixed(8),
            Client::Fixed(64),
        ] {
            let runtime = tokio::runtime::Runtime::new()?;
            runtime.block_on(measured(capacity, client))?;
        }
    }
    Ok(())
}

async fn measured(capacity: Capacity, client: Client) -> Result<(), Box<dyn std::error::Error>> {
    let options = Options {
        capacity: Some(capacity),
        ..Options::seeded(Seed::generate(1).unlimited())
    };
    let sandbox = Sandbox::start(options).await?;
    // An existing account: a missing one would get an answer too, but not the usual one.
    let account = AccountId::parse(
        &(sandbox.world().account_named("account-00000"))
            .ok_or("the seed has an account")?
            .id,
    )?;
    let stop = Arc::new(AtomicBool::new(false));
    let clients = match client {
        Client::Adaptive => 1,
        Client::Fixed(connections) => connections,
    };
    let mut asking = JoinSet::new();
    for _ in 0..clients {
        let mut config = ClientConfig::new(
            sandbox.url(),
            Credential::ApiKey(Secret::new(sandbox.api_key())),
        );
        // Several clients of one connection each are a fixed number of connections.
        config.limits.concurrency = if clients == 1 && matches!(client, Client::Adaptive) {
            64
        } else {
            1
        };
        let reader = ReadClient::connect(config).await?;
        for _ in 0..ASKING / clients {
            asking.spawn(ask(reader.clone(), account.clone(), Arc::clone(&stop)));
        }
    }
    tokio::time::sleep(SETTLING).await;
    let before = sandbox.counts();
    tokio::time::sleep(WINDOW).await;
    let after = sandbox.counts();
    stop.store(true, Ordering::Relaxed);
    asking.join_all().await;
    sandbox.stop().await;
    #[expect(
        clippy::cast_precision_loss,
        reason = "counts and microseconds of seconds"
    )]
    let [answers, busy] = [
        after.total - before.total,
        after.busy_micros - before.busy_micros,
    ]
    .map(|count| count as f64);
    let rate = answers / WINDOW.as_secs_f64();
    let latency = busy / answers / 1000.0;
    let alone = f64::from(capacity.workers) / f64::from(capacity.per_second) * 1000.0;
    row(&[
        format!("{}/s", capacity.per_second),
        capacity.workers.to_string(),
        match client {
            Client::Adaptive => "adaptive".to_owned(),
            Client::Fixed(connections) => format!("fixed {connections}"),
        },
        format!("{rate:.0}"),
        format!("{:.0}%", rate * 100.0 / f64::from(capacity.per_second)),
        format!("{latency:.1} ms"),
        format!("{:.2}×", latency / alone),
    ]);
    Ok(())
}

async fn ask(reader: ReadClient, account: AccountId, stop: Arc<AtomicBool>) {
    while !stop.load(Ordering::Relaxed) {
        let _ = reader.whitelabel(&account).await;
    }
}
