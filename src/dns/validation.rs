//! Asks a resolver, and tells a name that fails DNSSEC validation from one that cannot be resolved.

use std::net::SocketAddr;

use hickory_proto::op::Message;
use hickory_proto::rr::rdata::opt::{EdnsCode, EdnsOption};

use super::packet::{self, QuerySettings};
use super::{Answer, Exchange, Failure, Question};

/// The option that carries extended errors (RFC 8914, section 2).
const EXTENDED_ERROR: u16 = 15;
/// The extended error of an answer from the cache of failures, which does not say why it failed (RFC 8914, section 4.14).
const CACHED_ERROR: u16 = 13;

/// Asks a resolver. A name that it resolves only without validation is [`Failure::Bogus`] (RFC 4035, section 3.2.2).
///
/// The further questions are asked only after a SERVFAIL. The last one repeats the first, because a failure that has
/// passed since also looks as if validation made the difference.
pub(super) async fn ask(exchange: &Exchange, resolver: SocketAddr, question: &Question) -> Answer {
    let answer = exchange.ask_resolver(resolver, question).await;
    if answer != Answer::Failed(Failure::ServFail) {
        return answer;
    }
    let unvalidated = exchange.ask_unvalidated(resolver, question).await;
    if unvalidated.records().is_none() {
        return answer;
    }
    let again = exchange.message(resolver, question, QuerySettings::Recursive);
    match Box::pin(again).await {
        Ok(message) => match packet::answer(&message, question, false) {
            Answer::Failed(Failure::ServFail) => Answer::Failed(of_servfail(&message)),
            other => other,
        },
        Err(failure) => Answer::Failed(failure),
    }
}

/// Returns what a SERVFAIL that does not come without validation means: bogus, unless its extended errors name other
/// reasons only.
fn of_servfail(message: &Message) -> Failure {
    let codes = extended_errors(message);
    if let Some(reason) = codes.iter().find_map(|code| reason(*code)) {
        return Failure::Bogus(Some(reason));
    }
    if codes.iter().all(|code| *code == CACHED_ERROR) {
        Failure::Bogus(None)
    } else {
        Failure::ServFail
    }
}

fn extended_errors(message: &Message) -> Vec<u16> {
    let options = message.edns.iter().flat_map(|edns| &edns.options().options);
    options
        .filter_map(|(code, option)| match (code, option) {
            (EdnsCode::Unknown(EXTENDED_ERROR), EdnsOption::Unknown(_, octets)) => {
                let (code, _) = octets.split_first_chunk::<2>()?;
                Some(u16::from_be_bytes(*code))
            }
            _ => None,
        })
        .collect()
}

/// Returns why validation failed (RFC 8914, sections 4.7 to 4.13).
fn reason(code: u16) -> Option<&'static str> {
    Some(match code {
        6 => "the signatures do not match",
        7 => "the signatures have expired",
        8 => "the signatures are not valid yet",
        9 => "no key of the zone matches its DS record",
        10 => "the signatures are missing",
        11 => "the key is not a key of the zone",
        12 => "the proof that a name does not exist is missing",
        _ => return None,
    })
}
