//! What a name server answers.

use std::net::{SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use emblazon::dns::{Answer, Exchange, ExchangeOptions, Question};
use emblazon::model::{RecordName, RecordType};
use tokio::runtime::Runtime;

/// How many bytes the header of a message has (RFC 1035, section 4.1.1).
const HEADER: usize = 12;

/// A server that answers what it is told to, and who asks it.
struct Stage {
    runtime: Runtime,
    exchange: Exchange,
    server: SocketAddr,
    answer: Arc<Mutex<Vec<u8>>>,
}

fn stage() -> &'static Mutex<Stage> {
    static STAGE: OnceLock<Mutex<Stage>> = OnceLock::new();
    STAGE.get_or_init(|| {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a port on loopback");
        let server = socket.local_addr().expect("its number");
        let answer = Arc::new(Mutex::new(Vec::new()));
        let answering = Arc::clone(&answer);
        std::thread::spawn(move || {
            let mut query = [0; 4096];
            while let Ok((length, from)) = socket.recv_from(&mut query) {
                let answer = answering.lock().unwrap_or_else(PoisonError::into_inner);
                let message = reply(&query[..length], &answer);
                let _ = socket.send_to(&message, from);
            }
        });
        let options = ExchangeOptions {
            timeout: Duration::from_millis(200),
            in_flight: 4,
            questions: u64::MAX,
        };
        Mutex::new(Stage {
            runtime: Runtime::new().expect("a runtime"),
            exchange: Exchange::new(options),
            server,
            answer,
        })
    })
}

/// The answer to a query: its id, then the data as they are, or as header and sections around the query's question.
fn reply(query: &[u8], data: &[u8]) -> Vec<u8> {
    let mut message = query[..2].to_vec();
    let Some((first, rest)) = data.split_first() else {
        return message;
    };
    if first % 4 == 0 || rest.len() < HEADER - 4 {
        message.extend(rest);
        return message;
    }
    // The flags say "answer", never "cut": asking over TCP would only wait for a port that nobody listens on.
    message.extend([rest[0] | 0x80, rest[1]]);
    message[2] &= !0x02;
    message.extend([0, 1]);
    message.extend(&rest[2..8]);
    let name = query[HEADER..].iter().position(|byte| *byte == 0);
    let question = HEADER + name.unwrap_or_default() + 5;
    message.extend(&query[HEADER..question.min(query.len())]);
    message.extend(&rest[8..]);
    message.truncate(4096);
    message
}

/// A message of a name server, to a question of each type: what is understood are records of the type that was asked for.
pub(crate) fn message(data: &[u8]) {
    let stage = stage().lock().unwrap_or_else(PoisonError::into_inner);
    *stage.answer.lock().unwrap_or_else(PoisonError::into_inner) = data.to_vec();
    for record_type in RecordType::ALL {
        let question = Question {
            name: RecordName::observed("sip.acme.example."),
            record_type,
        };
        let asked = stage.exchange.ask_authoritative(stage.server, &question);
        if let Answer::Found(found) = stage.runtime.block_on(asked) {
            for record in &found.records {
                assert_eq!(record.record_type(), record_type);
                assert!(!record.to_string().contains(char::is_control), "{record}");
            }
        }
    }
}
