//! A relay in front of a DNS server that lets somebody else go first.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};

/// The operation code of an update (RFC 2136, section 1.3).
const UPDATE: u8 = 5;

/// Relays TCP to a server, and calls `first` right before the first update is passed on. Returns the port.
pub(crate) fn before_updates(server: u16, first: impl FnOnce() + Send + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let mut first = Some(first);
        for client in listener.incoming() {
            let mut server = TcpStream::connect(("127.0.0.1", server)).unwrap();
            let mut client = client.unwrap();
            while let Some(message) = read(&mut client) {
                if message[4] >> 3 & 0xf == UPDATE
                    && let Some(first) = first.take()
                {
                    first();
                }
                server.write_all(&message).unwrap();
                let Some(answer) = read(&mut server) else {
                    break;
                };
                client.write_all(&answer).unwrap();
            }
        }
    });
    port
}

/// Reads one message with its length in front; `None` at the end.
fn read(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut length = [0; 2];
    stream.read_exact(&mut length).ok()?;
    let mut message = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut message).ok()?;
    Some([length.as_slice(), &message].concat())
}
