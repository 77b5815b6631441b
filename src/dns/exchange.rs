//! Sends questions and waits for answers: UDP first, TCP when an answer was truncated (RFC 7766).
//!
//! All questions to one server share one connected socket, so that thousands of questions cost thousands of packets
//! rather than thousands of sockets. Each packet has a random id, and an answer counts only if address, port, id and
//! question match.
//!
//! A question is repeated as soon as its answer is late for this server, and the answer to any of its packets counts. A
//! server that answers nothing is found out once: of all other questions to it, one of each domain is sent, and the rest
//! fail as that one does.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hickory_proto::op::{Message, Query};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UdpSocket};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout, timeout_at};

use super::health::Health;
use super::memo::Memo;
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

/// How long a connection over TCP and the answer on it may take.
const TCP_TIMEOUT: Duration = Duration::from_secs(2);
/// The shortest time before a question to a resolver is repeated: what it does not know yet takes it long.
const RESOLVER_REPEAT: Duration = Duration::from_millis(400);
/// How many answers to a question may be wrong before it fails.
const WRONG_ANSWERS: u32 = 3;

/// Timeouts and limits of an exchange.
#[derive(Clone, Copy, Debug)]
pub struct ExchangeOptions {
    /// How long a question waits for its answer, over all repeats.
    pub timeout: Duration,
    /// How many questions may be in flight to one server.
    pub in_flight: usize,
    /// How many questions may be asked in total, over all clones.
    pub questions: u64,
}

impl Default for ExchangeOptions {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(6),
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
    /// Times that an answer was late, so that the question was repeated or given up.
    pub timeouts: u64,
}

#[derive(Debug, Default)]
struct ExchangeCounters {
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
    shared: Arc<ExchangeState>,
    /// What belongs to the check of one domain, beside what is shared.
    domain: Option<Arc<DomainTraffic>>,
}

/// What belongs to the check of one domain.
#[derive(Debug)]
struct DomainTraffic {
    budget: Budget,
    /// Whether each server that is silent to others answers this domain's questions: what one domain's servers do to it says
    /// nothing about another one.
    answering: Memo<SocketAddr, bool>,
}

/// State shared by all clones.
#[derive(Debug)]
struct ExchangeState {
    options: ExchangeOptions,
    channels: Mutex<BTreeMap<SocketAddr, Arc<Channel>>>,
    /// What is known of each server; outlives the channels.
    health: Mutex<BTreeMap<SocketAddr, Arc<Mutex<Health>>>>,
    counters: ExchangeCounters,
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
            shared: Arc::new(ExchangeState {
                options,
                channels: Mutex::default(),
                health: Mutex::default(),
                counters: ExchangeCounters::default(),
                budget: Budget::new(options.questions, "one run"),
            }),
            domain: None,
        }
    }

    /// Returns a handle that shares everything with this one but has its own limit on questions.
    ///
    /// With one handle per domain, no zone can keep a check asking for ever, or use up what other domains need.
    #[must_use]
    pub(super) fn for_one_domain(&self, questions: u64) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            domain: Some(Arc::new(DomainTraffic {
                budget: Budget::new(questions, "the check of one domain"),
                answering: Memo::default(),
            })),
        }
    }

    /// Returns whether a budget is spent, in which case a failed lookup says nothing about the name it asked for.
    pub(super) fn is_spent(&self) -> bool {
        let domain = self.domain.as_ref();
        self.shared.budget.is_spent() || domain.is_some_and(|domain| domain.budget.is_spent())
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

    /// Returns whether a server said that it does not know EDNS.
    pub(super) fn lacks_edns(&self, server: SocketAddr) -> bool {
        let channels = self.lock();
        let channel = channels.get(&server);
        channel.is_some_and(|channel| channel.is_plain.load(Ordering::Relaxed))
    }

    /// Asks a server of a zone over TCP.
    ///
    /// # Errors
    /// When a budget is spent, or the server sends nothing that can be read.
    pub(super) async fn send_over_tcp(
        &self,
        server: SocketAddr,
        query: &Query,
    ) -> Result<Box<Message>, Failure> {
        self.take()?;
        self.shared
            .counters
            .questions
            .fetch_add(1, Ordering::Relaxed);
        let with_edns = !self.lacks_edns(server);
        let asked = self.message_over_tcp(server, query, QuerySettings::Authoritative, with_edns);
        Box::pin(asked).await
    }

    /// Takes one question from the budgets.
    fn take(&self) -> Result<(), Failure> {
        if let Some(domain) = &self.domain {
            domain.budget.take()?;
        }
        self.shared.budget.take()
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
        self.take()?;
        let channel = self.channel(server).await?;
        let mut permit = channel.window.enter().await;
        if locked(&channel.health).is_silent() {
            drop(permit);
            if !self.answers_again(&channel, server, query, settings).await {
                return Err(Failure::TimedOut);
            }
            permit = channel.window.enter().await;
        }
        let counters = &self.shared.counters;
        counters.questions.fetch_add(1, Ordering::Relaxed);
        let mut inquiry = Inquiry::new(&channel, query, settings);
        let timeout = self.shared.options.timeout;
        let answer = Box::pin(inquiry.answer(timeout, counters)).await;
        match &answer {
            Ok(_) if inquiry.lost_a_packet => {
                permit.lost();
                permit.answered();
            }
            Ok(_) => permit.answered(),
            Err(Failure::TimedOut) => {
                permit.lost();
                locked(&channel.health).unanswered(Instant::now());
                if let Some(domain) = &self.domain {
                    // The domain has asked itself, and need not ask once more.
                    let silent = std::future::ready(false);
                    domain.answering.once(&server, |_| true, silent).await;
                }
            }
            Err(_) => {}
        }
        match answer? {
            Decoded::Message(message) => Ok(message),
            Decoded::Truncated | Decoded::NotOurs => {
                let with_edns = !channel.is_plain.load(Ordering::Relaxed);
                self.message_over_tcp(server, query, settings, with_edns)
                    .await
            }
        }
    }

    /// Asks a silent server whether it answers again: once for each domain and, without a domain, once in a while.
    async fn answers_again(
        &self,
        channel: &Channel,
        server: SocketAddr,
        query: &Query,
        settings: QuerySettings,
    ) -> bool {
        let Some(domain) = &self.domain else {
            return locked(&channel.health).admits(Instant::now());
        };
        let ask = async {
            let ExchangeState {
                options, counters, ..
            } = &*self.shared;
            counters.questions.fetch_add(1, Ordering::Relaxed);
            let mut inquiry = Inquiry::new(channel, query, settings);
            let answer = Box::pin(inquiry.answer(options.timeout, counters)).await;
            !matches!(answer, Err(Failure::TimedOut))
        };
        domain.answering.once(&server, |_| true, ask).await
    }

    async fn channel(&self, server: SocketAddr) -> Result<Arc<Channel>, Failure> {
        if let Some(channel) = self.lock().get(&server) {
            return Ok(Arc::clone(channel));
        }
        let health = Arc::clone(locked(&self.shared.health).entry(server).or_default());
        let opened = Channel::open(server, self.shared.options.in_flight, health)
            .await
            .map_err(|error| Failure::Unreachable(error.to_string()))?;
        let mut channels = self.lock();
        if channels.len() >= MOST_CHANNELS {
            // A channel that only this map refers to has no question waiting on it.
            channels.retain(|_, channel| Arc::strong_count(channel) > 1);
        }
        Ok(Arc::clone(channels.entry(server).or_insert(opened)))
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<SocketAddr, Arc<Channel>>> {
        locked(&self.shared.channels)
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
        timeout(TCP_TIMEOUT.min(shared.options.timeout), answer)
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
    health: Arc<Mutex<Health>>,
    /// Whether the server does not know EDNS, so that it is asked without.
    is_plain: AtomicBool,
    reader: JoinHandle<()>,
}

/// What arrived for the packet with this id.
type Reply = (u16, Result<Vec<u8>, Failure>);

/// Who waits for the answer to each packet.
#[derive(Debug, Default)]
struct Waiting(Mutex<BTreeMap<u16, UnboundedSender<Reply>>>);

impl Waiting {
    /// Registers a packet under a free id.
    fn register(&self, sender: UnboundedSender<Reply>) -> u16 {
        let mut waiting = locked(&self.0);
        let mut id = fastrand::u16(..);
        while waiting.contains_key(&id) {
            id = id.wrapping_add(1);
        }
        waiting.insert(id, sender);
        id
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Channel {
    async fn open(
        server: SocketAddr,
        in_flight: usize,
        health: Arc<Mutex<Health>>,
    ) -> std::io::Result<Arc<Self>> {
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
            health,
            is_plain: AtomicBool::new(false),
            reader,
        }))
    }
}

impl Drop for Channel {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

/// One question and the packets that carry it; frees their ids even when it is abandoned.
struct Inquiry<'a> {
    channel: &'a Channel,
    query: &'a Query,
    settings: QuerySettings,
    sender: UnboundedSender<Reply>,
    replies: UnboundedReceiver<Reply>,
    /// The packets whose answers count, in the order in which they were sent.
    sent: Vec<Sent>,
    /// Whether the answer came to a repeat, and none to what was sent before.
    lost_a_packet: bool,
}

/// A packet on its way.
#[derive(Clone, Copy)]
struct Sent {
    id: u16,
    at: Instant,
    with_edns: bool,
}

impl<'a> Inquiry<'a> {
    fn new(channel: &'a Channel, query: &'a Query, settings: QuerySettings) -> Self {
        let (sender, replies) = unbounded_channel();
        Self {
            channel,
            query,
            settings,
            sender,
            replies,
            sent: Vec::new(),
            lost_a_packet: false,
        }
    }

    /// Sends the question until it is answered: again when the answer is late, at twice the interval each time, and at once
    /// when it is wrong.
    async fn answer(
        &mut self,
        timeout: Duration,
        counters: &ExchangeCounters,
    ) -> Result<Decoded, Failure> {
        let deadline = Instant::now() + timeout;
        let mut interval = self.repeat_after().min(timeout / 4);
        let mut wrong = 0;
        loop {
            let next = (Instant::now() + interval).min(deadline);
            let packet = async {
                self.send(counters).await?;
                self.reply().await
            };
            let failure = match timeout_at(next, packet).await {
                Ok(Ok(Some(answer))) => return Ok(answer),
                // The server refused the form of the question only.
                Ok(Ok(None)) => continue,
                Ok(Err(failure)) => {
                    wrong += 1;
                    failure
                }
                Err(_) => {
                    counters.timeouts.fetch_add(1, Ordering::Relaxed);
                    interval *= 2;
                    Failure::TimedOut
                }
            };
            if wrong == WRONG_ANSWERS || Instant::now() >= deadline {
                return Err(failure);
            }
        }
    }

    fn repeat_after(&self) -> Duration {
        let measured = locked(&self.channel.health).repeat_after();
        match self.settings {
            QuerySettings::Authoritative | QuerySettings::Signed => measured,
            QuerySettings::Recursive | QuerySettings::Unvalidated => measured.max(RESOLVER_REPEAT),
        }
    }

    async fn send(&mut self, counters: &ExchangeCounters) -> Result<(), Failure> {
        let with_edns = !self.channel.is_plain.load(Ordering::Relaxed);
        let id = self.channel.waiting.register(self.sender.clone());
        self.sent.push(Sent {
            id,
            at: Instant::now(),
            with_edns,
        });
        let packet = packet::encode(id, self.query, self.settings, with_edns)?;
        counters.udp_packets.fetch_add(1, Ordering::Relaxed);
        // An error of an earlier packet is reported here, too.
        let sent = self.channel.socket.send(&packet).await;
        sent.map(drop)
            .map_err(|error| Failure::Unreachable(error.to_string()))
    }

    /// Waits for an answer to one of the packets; `None` if the server does not know EDNS.
    async fn reply(&mut self) -> Result<Option<Decoded>, Failure> {
        loop {
            let Some((id, bytes)) = self.replies.recv().await else {
                return Err(Failure::TimedOut);
            };
            let Some(at) = self.sent.iter().position(|sent| sent.id == id) else {
                continue;
            };
            let Sent {
                at: sent_at,
                with_edns,
                ..
            } = self.sent.remove(at);
            let decoded = match bytes {
                Ok(bytes) => packet::decode(&bytes, id, self.query)?,
                Err(failure) => {
                    // The same error comes for each of the packets.
                    self.forget();
                    return Err(failure);
                }
            };
            if matches!(decoded, Decoded::NotOurs) {
                return Err(Failure::Malformed(
                    "an answer to another question".to_owned(),
                ));
            }
            locked(&self.channel.health).answered(sent_at.elapsed());
            if let Decoded::Message(message) = &decoded
                && with_edns
                && packet::refuses_edns(message)
            {
                self.channel.is_plain.store(true, Ordering::Relaxed);
                self.forget();
                return Ok(None);
            }
            self.lost_a_packet = at > 0;
            return Ok(Some(decoded));
        }
    }

    /// Waits for none of the packets any longer.
    fn forget(&mut self) {
        let mut waiting = locked(&self.channel.waiting.0);
        for sent in self.sent.drain(..) {
            waiting.remove(&sent.id);
        }
    }
}

impl Drop for Inquiry<'_> {
    fn drop(&mut self) {
        self.forget();
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
                let id = u16::from_be_bytes([high, low]);
                let waiter = locked(&waiting.0).remove(&id);
                if let Some(waiter) = waiter {
                    // Whoever asked may have given up in the meantime.
                    let _ = waiter.send((id, Ok(packet.to_vec())));
                }
            }
            // An ICMP error does not say which question it answers, so all that are waiting fail.
            Err(error) => {
                for (id, waiter) in std::mem::take(&mut *locked(&waiting.0)) {
                    let _ = waiter.send((id, Err(Failure::Unreachable(error.to_string()))));
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
