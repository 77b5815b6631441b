//! A server that answers what no Kazoo would: raw TCP, one thread a connection.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};

/// A request, as far as a stand-in looks at it.
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) path: String,
    /// The head and the body as they came.
    pub(crate) raw: Vec<u8>,
}

impl Asked {
    /// Returns a header's value.
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        let head = String::from_utf8_lossy(&self.raw);
        let mut lines = head.lines().take_while(|line| !line.is_empty());
        lines.find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found
                .eq_ignore_ascii_case(name)
                .then(|| value.trim().to_owned())
        })
    }
}

/// A server on loopback.
pub(crate) struct StandIn {
    pub(crate) port: u16,
    /// How many bytes of answers were taken.
    pub(crate) taken: Arc<AtomicU64>,
    /// How many requests came.
    pub(crate) asked: Arc<AtomicU64>,
}

/// A connection that counts what is taken from it.
pub(crate) struct Counted<'a> {
    stream: &'a mut TcpStream,
    taken: &'a AtomicU64,
}

impl Counted<'_> {
    /// Sends bytes; tells whether anybody is there to take more.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> bool {
        let sent = self.stream.write_all(bytes).is_ok();
        if sent {
            self.taken.fetch_add(bytes.len() as u64, Ordering::SeqCst);
        }
        sent
    }

    /// Returns how many bytes the server's clients have taken so far.
    pub(crate) fn taken(&self) -> u64 {
        self.taken.load(Ordering::SeqCst)
    }

    /// Answers with a whole JSON body.
    pub(crate) fn json(&mut self, status: &str, body: &str) -> bool {
        let head = format!(
            "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        // In one piece: a second one would wait until the first is acknowledged.
        self.send((head + body).as_bytes())
    }
}

impl StandIn {
    /// Starts one that takes whatever comes, and passes it on as it came.
    pub(crate) fn hearing() -> (Self, Receiver<String>) {
        let (sender, heard) = channel();
        let sender = Mutex::new(sender);
        let server = Self::start(move |asked, connection| {
            let raw = String::from_utf8_lossy(&asked.raw).into_owned();
            sender.lock().unwrap().send(raw).unwrap();
            connection.json("200 OK", "{}");
        });
        (server, heard)
    }

    /// Starts one; `answer` says how each request is answered.
    pub(crate) fn start(answer: impl Fn(&Asked, &mut Counted<'_>) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (taken, asked) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        let counts = (Arc::clone(&taken), Arc::clone(&asked));
        let answer = Arc::new(answer);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (answer, (taken, asked)) = (Arc::clone(&answer), counts.clone());
                std::thread::spawn(move || {
                    let mut stream = stream.unwrap();
                    let mut reader = BufReader::new(stream.try_clone().unwrap());
                    while let Some(request) = read(&mut reader) {
                        asked.fetch_add(1, Ordering::SeqCst);
                        let mut stream = Counted {
                            stream: &mut stream,
                            taken: &taken,
                        };
                        answer(&request, &mut stream);
                    }
                });
            }
        });
        Self { port, taken, asked }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

/// Reads one request; `None` at the end.
fn read(reader: &mut BufReader<TcpStream>) -> Option<Asked> {
    let mut raw = Vec::new();
    let mut length = 0;
    loop {
        let start = raw.len();
        if reader.read_until(b'\n', &mut raw).ok()? == 0 {
            return None;
        }
        let line = String::from_utf8_lossy(&raw[start..])
            .trim()
            .to_ascii_lowercase();
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
        if line.is_empty() {
            break;
        }
    }
    let head = String::from_utf8_lossy(&raw).into_owned();
    let mut words = head.split(' ').map(str::to_owned);
    let (method, path) = (words.next()?, words.next()?);
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    raw.append(&mut body);
    Some(Asked { method, path, raw })
}

/// Returns the port of a URL.
pub(crate) fn port(url: &str) -> u16 {
    let (_, port) = url.trim_end_matches('/').rsplit_once(':').unwrap();
    port.parse().unwrap()
}

/// Passes a request on to a real server, and returns its head and its body.
pub(crate) fn relay(port: u16, asked: &Asked) -> (String, Vec<u8>) {
    let mut server = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let (head, body) = asked.raw.split_at(end_of_head(&asked.raw));
    // What comes back is looked at, so it must not be packed, and its end is the connection's.
    let head = String::from_utf8_lossy(head)
        .replace("accept-encoding: gzip\r\n", "")
        .replacen("\r\n", "\r\nconnection: close\r\n", 1);
    server.write_all(&[head.as_bytes(), body].concat()).unwrap();
    let mut answer = Vec::new();
    server.read_to_end(&mut answer).unwrap();
    let body = answer.split_off(end_of_head(&answer));
    (String::from_utf8(answer).unwrap(), body)
}

/// Finds where a message's body begins.
fn end_of_head(message: &[u8]) -> usize {
    let mut windows = message.windows(4);
    windows.position(|window| window == b"\r\n\r\n").unwrap() + 4
}
