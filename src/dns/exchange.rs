//! Sends questions and waits for answers: UDP first, TCP when an answer was truncated (RFC 7766).
//!
//! All questions to one server share one connected socket, so that thousands of questions cost thousands of packets
//! rather than thousands of sockets. Each question has a random id, and an answer counts only if address, port, id
//! and question match.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hickory_proto::op::{Message, Query};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UdpSocket};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::packet::{self, Decoded, QuerySettings};
use super::window::Window;
use super::{Answer, Failure, Question};

/// How many questions one run may ask, so that it ends whatever the zones answer: 10,000 domains with eleven hosts, two
/// servers and two resolvers each need about 700,000.
const QUESTIONS_A_RUN: u64 = 2_000_000;
/// How many sockets are kept: each takes a file descriptor, and a process has 1,024 of them by default. Idle sockets
/// are closed first.
const MOST_CHANNELS: usize = 512;
/// The largest packet that is read; questions advertise less, 1,232 octets (RFC 9715 advises at most 1,400).
const LARGEST_PACKET: usize = 4096;

/// Timeouts and limits of an exchange.
#[derive(Clone, Copy, Debug)]
pub struct ExchangeOptions {
    /// How long one attempt waits for its answer.
    pub timeout: Duration,
    /// How many times a question is sent at most.
    pub attempts: u32,
    /// How many questions may be in flight to one server.
    pub in_flight: usize,
    /// How many questions may be asked in total, over all clones.
    pub questions: u64,
}

impl Default for ExchangeOptions {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(2),
            attempts: 3,
            in_flight: 256,
            questions: QUESTIONS_A_RUN,
        }
    }
}

/// Counts of what an exchange has sent and received so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Questions that were asked.
    pub questions: u64,
    /// Packets that were sent over UDP, repeats included.
    pub udp_packets: u64,
    /// Connections over TCP.
    pub tcp_connections: u64,
    /// Attempts without an answer.
    pub timeouts: u64,
}

#[derive(Debug, Default)]
struct Counters {
    questions: AtomicU64,
    udp_packets: AtomicU64,
    tcp_connections: AtomicU64,
    timeouts: AtomicU64,
    /// Questions over IPv6 that were answered, and those that were not.
    ipv6_answers: AtomicU64,
    ipv6_silences: AtomicU64,
}

/// Asks servers; cheap to clone.
#[derive(Clone, Debug)]
pub struct Exchange {
    shared: Arc<Shared>,
    /// Budget of this handle, in addition to the shared one.
    budget: Option<Arc<Budget>>,
}

/// State shared by all clones.
#[derive(Debug)]
struct Shared {
    options: ExchangeOptions,
    channels: Mutex<BTreeMap<SocketAddr, Arc<Channel>>>,
    counters: Counters,
    budget: Budget,
}

/// A limit on questions, and how many were asked.
#[derive(Debug)]
struct Budget {
    limit: u64,
    /// Whose limit it is, for messages.
    whose: &'static str,
    asked: AtomicU64,
}

impl Budget {
    fn new(limit: u64, whose: &'static str) -> Self {
        Self {
            limit,
            whose,
            asked: AtomicU64::new(0),
        }
    }

    fn is_spent(&self) -> bool {
        self.asked.load(Ordering::Relaxed) >= self.limit
    }

    /// Takes one question from the budget.
    fn take(&self) -> Result<(), Failure> {
        let taken = (self.asked).fetch_update(Ordering::Relaxed, Ordering::Relaxed, |asked| {
            (asked < self.limit).then_some(asked + 1)
        });
        match taken {
            Ok(_) => Ok(()),
            Err(_) => Err(Failure::NotAsked(format!(
                "{} asks {} questions at most, and this would be one more; look for zones that name very many servers",
                self.whose, self.limit
            ))),
        }
    }
}

impl Exchange {
    /// Creates an exchange; sockets are opened on demand.
    #[must_use]
    pub fn new(options: ExchangeOptions) -> Self {
        Self {
            shared: Arc::new(Shared {
                options,
                channels: Mutex::default(),
                counters: Counters::default(),
                budget: Budget::new(options.questions, "one run"),
            }),
            budget: None,
        }
    }

    /// Returns a handle that shares everything with this one but has its own limit on questions.
    ///
    /// With one handle per domain, no zone can keep a check asking for ever, or use up what other domains need.
    #[must_use]
    pub(super) fn for_one_domain(&self, questions: u64) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            budget: Some(Arc::new(Budget::new(questions, "the check of one domain"))),
        }
    }

    /// Returns whether a budget is spent, in which case a failed lookup says nothing about the name it asked for.
    pub(super) fn is_spent(&self) -> bool {
        self.shared.budget.is_spent() || self.budget.as_ref().is_some_and(|own| own.is_spent())
    }

    /// Asks an authoritative server of a zone, without recursion; an answer without authority is lame.
    pub async fn ask_authoritative(&self, server: SocketAddr, question: &Question) -> Answer {
        self.ask(server, question, QuerySettings::Authoritative)
            .await
    }

    /// Asks a recursive resolver.
    pub async fn ask_resolver(&self, server: SocketAddr, question: &Question) -> Answer {
        self.ask(server, question, QuerySettings::Recursive).await
    }

    /// Asks a recursive resolver not to validate signatures: an answer that comes only this way is bogus (RFC 4035,
    /// section 3.2.2).
    pub async fn ask_unvalidated(&self, server: SocketAddr, question: &Question) -> Answer {
        self.ask(server, question, QuerySettings::Unvalidated).await
    }

    /// Returns whether nobody answers over IPv6, so that this machine is not connected to it, whatever its routes say.
    pub(super) fn lacks_ipv6(&self) -> bool {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let counters = &self.shared.counters;
        read(&counters.ipv6_silences) > 0 && read(&counters.ipv6_answers) == 0
    }

    /// Returns the number of open sockets.
    #[cfg(test)]
    pub(super) fn open_sockets(&self) -> usize {
        self.lock().len()
    }

    /// Returns what was sent and received so far.
    #[must_use]
    pub fn traffic(&self) -> Traffic {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Traffic {
            questions: read(&self.shared.counters.questions),
            udp_packets: read(&self.shared.counters.udp_packets),
            tcp_connections: read(&self.shared.counters.tcp_connections),
            timeouts: read(&self.shared.counters.timeouts),
        }
    }

    async fn ask(
        &self,
        server: SocketAddr,
        question: &Question,
        settings: QuerySettings,
    ) -> Answer {
        match self.message(server, question, settings).await {
            Ok(message) => {
                packet::answer(&message, question, settings == QuerySettings::Authoritative)
            }
            Err(failure) => Answer::Failed(failure),
        }
    }

    /// Asks a question and returns the whole message that answers it.
    ///
    /// # Errors
    /// As [`Self::send`], and when DNS cannot carry the name.
    pub(super) async fn message(
        &self,
        server: SocketAddr,
        question: &Question,
        settings: QuerySettings,
    ) -> Result<Box<Message>, Failure> {
        let query = packet::query(&question.name, packet::wire_type(question.record_type))?;
        self.send(server, &query, settings).await
    }

    /// Sends one question and returns the whole message that answers it.
    ///
    /// # Errors
    /// When a budget is spent, or the server sends nothing that can be read.
    pub(super) async fn send(
        &self,
        server: SocketAddr,
        query: &Query,
        settings: QuerySettings,
    ) -> Result<Box<Message>, Failure> {
        let answer = self.send_or_fail(server, query, settings).await;
        let counters = &self.shared.counters;
        match &answer {
            _ if server.is_ipv4() => {}
            Ok(_) => _ = counters.ipv6_answers.fetch_add(1, Ordering::Relaxed),
            Err(Failure::TimedOut | Failure::Unreachable(_)) => {
                counters.ipv6_silences.fetch_add(1, Ordering::Relaxed);
            }
            Err(_) => {}
        }
        answer
    }

    async fn send_or_fail(
        &self,
        server: SocketAddr,
        query: &Query,
        settings: QuerySettings,
    ) -> Result<Box<Message>, Failure> {
        if let Some(own) = &self.budget {
            own.take()?;
        }
        let Shared {
            options, counters, ..
        } = &*self.shared;
        self.shared.budget.take()?;
        counters.questions.fetch_add(1, Ordering::Relaxed);
        let channel = self.channel(server).await?;
        let permit = channel.window.enter().await;
        let mut last = Failure::TimedOut;
        let mut left = options.attempts;
        while left > 0 {
            let with_edns = !channel.is_plain.load(Ordering::Relaxed);
            counters.udp_packets.fetch_add(1, Ordering::Relaxed);
            let attempt = channel.attempt(query, settings, with_edns);
            match timeout(options.timeout, attempt).await {
                Ok(Ok(Decoded::Message(message)))
                    if with_edns && packet::refuses_edns(&message) =>
                {
                    channel.is_plain.store(true, Ordering::Relaxed);
                    continue;
                }
                Ok(Ok(Decoded::Message(message))) => {
                    permit.answered();
                    return Ok(message);
                }
                Ok(Ok(Decoded::Truncated)) => {
                    permit.answered();
                    return self
                        .message_over_tcp(server, query, settings, with_edns)
                        .await;
                }
                Ok(Ok(Decoded::NotOurs)) => {
                    last = Failure::Malformed("an answer to another question".to_owned());
                }
                Ok(Err(failure)) => last = failure,
                Err(_) => {
                    counters.timeouts.fetch_add(1, Ordering::Relaxed);
                    permit.lost();
                    last = Failure::TimedOut;
                }
            }
            left -= 1;
        }
        Err(last)
    }

    async fn channel(&self, server: SocketAddr) -> Result<Arc<Channel>, Failure> {
        if let Some(channel) = self.lock().get(&server) {
            return Ok(Arc::clone(channel));
        }
        let opened = Channel::open(server, self.shared.options.in_flight)
            .await
            .map_err(|error| Failure::Unreachable(error.to_string()))?;
        let mut channels = self.lock();
        if channels.len() >= MOST_CHANNELS {
            // A channel that only this map refers to has no question waiting on it.
            channels.retain(|_, channel| Arc::strong_count(channel) > 1);
        }
        Ok(Arc::clone(channels.entry(server).or_insert(opened)))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<SocketAddr, Arc<Channel>>> {
        self.shared
            .channels
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    async fn message_over_tcp(
        &self,
        server: SocketAddr,
        query: &Query,
        settings: QuerySettings,
        with_edns: bool,
    ) -> Result<Box<Message>, Failure> {
        let shared = &*self.shared;
        shared
            .counters
            .tcp_connections
            .fetch_add(1, Ordering::Relaxed);
        let answer = tcp(server, query, settings, with_edns);
        timeout(shared.options.timeout, answer)
            .await
            .unwrap_or(Err(Failure::TimedOut))
    }
}

/// One server's socket and the questions waiting on it.
#[derive(Debug)]
struct Channel {
    socket: Arc<UdpSocket>,
    waiting: Arc<Waiting>,
    window: Window,
    /// Whether the server does not know EDNS, so that it is asked without.
    is_plain: AtomicBool,
    reader: JoinHandle<()>,
}

type Reply = Result<Vec<u8>, Failure>;

#[derive(Debug, Default)]
struct Waiting(Mutex<BTreeMap<u16, oneshot::Sender<Reply>>>);

impl Waiting {
    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<u16, oneshot::Sender<Reply>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Registers a waiting question under a free id.
    fn register(&self) -> (u16, oneshot::Receiver<Reply>) {
        let (sender, receiver) = oneshot::channel();
        let mut waiting = self.lock();
        let mut id = fastrand::u16(..);
        while waiting.contains_key(&id) {
            id = id.wrapping_add(1);
        }
        waiting.insert(id, sender);
        (id, receiver)
    }
}

impl Channel {
    async fn open(server: SocketAddr, in_flight: usize) -> std::io::Result<Arc<Self>> {
        let any: SocketAddr = match server {
            SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
            SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
        };
        let socket = Arc::new(UdpSocket::bind(any).await?);
        socket.connect(server).await?;
        let waiting = Arc::new(Waiting::default());
        let reader = tokio::spawn(read_all(Arc::clone(&socket), Arc::clone(&waiting)));
        Ok(Arc::new(Self {
            socket,
            waiting,
            window: Window::new(in_flight),
            is_plain: AtomicBool::new(false),
            reader,
        }))
    }

    async fn attempt(
        &self,
        query: &Query,
        settings: QuerySettings,
        with_edns: bool,
    ) -> Result<Decoded, Failure> {
        let (id, reply) = self.waiting.register();
        let _registered = Registered {
            id,
            waiting: &self.waiting,
        };
        let packet = packet::encode(id, query, settings, with_edns)?;
        self.socket
            .send(&packet)
            .await
            .map_err(|error| Failure::Unreachable(error.to_string()))?;
        let bytes = reply.await.unwrap_or(Err(Failure::TimedOut))?;
        packet::decode(&bytes, id, query)
    }
}

impl Drop for Channel {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

/// Frees an id even when the attempt is abandoned.
struct Registered<'a> {
    id: u16,
    waiting: &'a Waiting,
}

impl Drop for Registered<'_> {
    fn drop(&mut self) {
        self.waiting.lock().remove(&self.id);
    }
}

async fn read_all(socket: Arc<UdpSocket>, waiting: Arc<Waiting>) {
    let mut buffer = vec![0; LARGEST_PACKET];
    loop {
        match socket.recv(&mut buffer).await {
            Ok(length) => {
                let Some(packet) = buffer.get(..length) else {
                    continue;
                };
                let &[high, low, ..] = packet else { continue };
                let waiter = waiting.lock().remove(&u16::from_be_bytes([high, low]));
                if let Some(waiter) = waiter {
                    // Whoever asked may have given up in the meantime.
                    let _ = waiter.send(Ok(packet.to_vec()));
                }
            }
            // An ICMP error does not say which question it answers, so all that are waiting fail.
            Err(error) => {
                for (_, waiter) in std::mem::take(&mut *waiting.lock()) {
                    let _ = waiter.send(Err(Failure::Unreachable(error.to_string())));
                }
                if error.kind() != std::io::ErrorKind::ConnectionRefused {
                    return;
                }
            }
        }
    }
}

async fn tcp(
    server: SocketAddr,
    query: &Query,
    settings: QuerySettings,
    with_edns: bool,
) -> Result<Box<Message>, Failure> {
    let unreachable = |error: std::io::Error| Failure::Unreachable(error.to_string());
    let id = fastrand::u16(..);
    let packet = packet::encode(id, query, settings, with_edns)?;
    let length = u16::try_from(packet.len())
        .map_err(|_| Failure::Malformed("the question is too long".to_owned()))?;
    let mut stream = TcpStream::connect(server).await.map_err(unreachable)?;
    let mut message = length.to_be_bytes().to_vec();
    message.extend(packet);
    stream.write_all(&message).await.map_err(unreachable)?;
    let length = stream.read_u16().await.map_err(unreachable)?;
    let mut bytes = vec![0; usize::from(length)];
    stream.read_exact(&mut bytes).await.map_err(unreachable)?;
    match packet::decode(&bytes, id, query)? {
        Decoded::Message(message) => Ok(message),
        Decoded::Truncated => Err(Failure::Malformed("cut even over TCP".to_owned())),
        Decoded::NotOurs => Err(Failure::Malformed(
            "an answer to another question".to_owned(),
        )),
    }
}
