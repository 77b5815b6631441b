//! A relay in front of an HTTP server that writes down what is asked.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// What was asked: method and path with query, one a request.
pub(crate) type Asked = Arc<Mutex<Vec<String>>>;

/// Relays TCP to a server. Returns the port, and what is asked through it.
pub(crate) fn counted(server: u16) -> (u16, Asked) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let asked = Asked::default();
    let log = Arc::clone(&asked);
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let client = client.unwrap();
            let server = TcpStream::connect(("127.0.0.1", server)).unwrap();
            let back = (server.try_clone().unwrap(), client.try_clone().unwrap());
            let log = Arc::clone(&log);
            std::thread::spawn(move || copy(client, server, Some(&log)));
            std::thread::spawn(move || copy(back.0, back.1, None));
        }
    });
    (port, asked)
}

fn copy(mut from: TcpStream, mut to: TcpStream, log: Option<&Mutex<Vec<String>>>) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        let text = String::from_utf8_lossy(&buffer[..length]);
        let request = text.lines().next().unwrap_or_default();
        if let (Some(log), Some(request)) = (log, request.strip_suffix(" HTTP/1.1")) {
            log.lock().unwrap().push(request.to_owned());
        }
        if to.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
}
