//! Checks one domain against a template: observes, judges and explains. This is all of `dns check` for one domain.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures_util::future::join_all;
use serde::{Deserialize, Serialize};

use super::finding::DomainFinding;
use super::hint::{self, Evidence, Probes};
use super::memo::Memo;
use super::sip::{self, Walk};
use super::zone::ZoneError;
use super::{
    Answer, Expectations, Failure, Hint, Judgement, NotUnderstood, Observation, Observer, Phones,
    Question, Reach, expect, judge,
};
use crate::model::record::{RecordName, RecordType};
use crate::model::{DomainName, DomainTemplate};

/// How many rounds of questions a walk along SIP records may take.
const MAX_ROUNDS: usize = 4;
/// How many combinations of answers are followed where servers disagree.
const MAX_VIEWS: usize = 8;
/// How many questions such a walk may ask in total.
const MAX_QUESTIONS: usize = 32;

/// The result of checking one domain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DomainCheck {
    /// The checked domain.
    pub domain: DomainName,
    /// The hosts of the template, sorted by name and type.
    pub hosts: Vec<HostCheck>,
    /// What phones find, one entry per SIP proxy.
    pub phones: Vec<Phones>,
    /// What stands behind the domain or threatens it, most urgent first.
    #[serde(default)]
    pub findings: Vec<DomainFinding>,
    /// Hosts of the template that could not be read as DNS records.
    pub not_understood: Vec<NotUnderstood>,
}

/// The result of checking one host and record type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostCheck {
    /// The verdict, with its reasons.
    pub judgement: Judgement,
    /// The probable causes.
    pub hints: Vec<Hint>,
}

/// What is known of a domain when the findings are looked for.
#[derive(Clone, Copy)]
pub(super) struct Known<'a> {
    pub(super) top: &'a RecordName,
    pub(super) expected: &'a [super::Expected],
    pub(super) observations: &'a [Observation],
    pub(super) hosts: &'a [HostCheck],
    pub(super) phones: &'a [Phones],
    /// The answer for a name that nobody entered.
    pub(super) wildcard: Option<&'a Answer>,
    /// What each server says about CAA at the top, where the template has none.
    pub(super) caa: &'a [Answer],
    /// The domain of the support address.
    pub(super) mail: Option<&'a RecordName>,
}

/// How many questions the check of one domain may ask per expected host, not counting those to the resolvers.
///
/// The largest zone that is followed, thirteen servers of four addresses each, takes 52; probing for mistakes takes
/// about ten.
const QUESTIONS_A_HOST: usize = 64;
/// How many hosts' worth of questions are allowed on top, to find the zones, look for a wildcard and follow phones.
const HOSTS_BESIDE: usize = 4;

/// Checks domains; zones and targets looked up for one domain are cached for the next.
#[derive(Debug)]
pub struct Checker {
    observer: Observer,
    targets: Arc<Memo<RecordName, Reach>>,
    /// What a resolver answers to questions that many domains have in common.
    pub(super) asked: Arc<Memo<Question, Option<Answer>>>,
}

impl Checker {
    /// Creates a checker.
    #[must_use]
    pub fn new(observer: Observer) -> Self {
        Self {
            observer,
            targets: Arc::default(),
            asked: Arc::default(),
        }
    }

    /// Returns the observer, which counts the traffic.
    #[must_use]
    pub fn observer(&self) -> &Observer {
        &self.observer
    }

    /// Checks one domain, as [`Self::check_brand`] does, without a support address.
    pub async fn check(&self, template: &DomainTemplate, domain: &DomainName) -> DomainCheck {
        self.check_brand(template, domain, None).await
    }

    /// Checks one domain, and the mail of the domain of its support address.
    ///
    /// Never fails: what cannot be determined is reported as unknown. So is everything that remains once the domain has
    /// used up its questions, because only hostile zones need that many.
    pub async fn check_brand(
        &self,
        template: &DomainTemplate,
        domain: &DomainName,
        mail: Option<&RecordName>,
    ) -> DomainCheck {
        let expectations = expect(template, domain);
        let hosts = expectations.expected.len() + HOSTS_BESIDE;
        let questions = hosts * (QUESTIONS_A_HOST + self.observer.resolvers());
        let questions = u64::try_from(questions).unwrap_or(u64::MAX);
        let checker = Self {
            observer: self.observer.for_one_domain(questions),
            targets: Arc::clone(&self.targets),
            asked: Arc::clone(&self.asked),
        };
        Box::pin(checker.check_all(expectations, domain, mail)).await
    }

    async fn check_all(
        &self,
        expectations: Expectations,
        domain: &DomainName,
        mail: Option<&RecordName>,
    ) -> DomainCheck {
        let Expectations {
            expected,
            not_understood,
        } = expectations;
        let top = RecordName::observed(domain.as_str());
        let (observations, (wildcard, caa)) = tokio::join!(
            self.observer.observe(&expected),
            self.whole(&top, &expected)
        );
        let judgements: Vec<Judgement> = expected
            .iter()
            .zip(&observations)
            .map(|(expected, observation)| judge(expected, observation))
            .collect();
        let hosts = join_all(judgements.into_iter().zip(&observations).map(
            async |(judgement, observation)| {
                let probes = hint::probes(&judgement, observation, &expected);
                let mut evidence = self.probe(&judgement, probes).await;
                evidence.wildcard.clone_from(&wildcard);
                let hints = hint::hints(&judgement, observation, &evidence);
                HostCheck { judgement, hints }
            },
        ));
        let hosts = hosts.await;
        let phones = self.phones(&top, &expected, &observations).await;
        let known = Known {
            top: &top,
            expected: &expected,
            observations: &observations,
            hosts: &hosts,
            phones: &phones,
            wildcard: wildcard.as_ref(),
            caa: &caa,
            mail,
        };
        let findings = Box::pin(self.findings(known)).await;
        DomainCheck {
            domain: domain.clone(),
            hosts,
            phones,
            findings,
            not_understood,
        }
    }

    /// Asks each server about the whole domain: whether a wildcard answers, and who may issue certificates.
    ///
    /// A wildcard counts wherever one server has it. Where none is known to have it and one could not be asked, the
    /// answer is that failure.
    async fn whole(
        &self,
        top: &RecordName,
        expected: &[super::Expected],
    ) -> (Option<Answer>, Vec<Answer>) {
        if expected.is_empty() {
            return (None, Vec::new());
        }
        let wildcard = Question {
            name: RecordName::observed(&format!("{}.{top}", hint::NOBODY)),
            record_type: RecordType::A,
        };
        let caa = Question {
            name: top.clone(),
            record_type: RecordType::Caa,
        };
        // With an authority of ours, each host is asked for.
        let judged = expected.iter().any(|host| host.question == caa)
            || !self.observer.options().authorities.is_empty();
        let wildcard = async {
            let answers = self.ask_each(&wildcard).await;
            let rank = |answer: &&Answer| match answer {
                Answer::Found(_) => 0,
                Answer::Failed(_) => 1,
                Answer::NoData { .. } | Answer::NxDomain { .. } => 2,
            };
            let telling = answers.iter().min_by_key(rank);
            telling.filter(|answer| rank(answer) < 2).cloned()
        };
        let caa = async {
            if judged {
                Vec::new()
            } else {
                self.ask_each(&caa).await
            }
        };
        tokio::join!(wildcard, caa)
    }

    /// Returns what each server of a name's zone answers; the failure to find the zone, if that is why none was asked.
    async fn ask_each(&self, question: &Question) -> Vec<Answer> {
        match self.observer.zone(&question.name).await {
            Ok(zone) => {
                let observed = self.observer.ask_zone(&zone, question).await;
                observed.into_iter().map(|seen| seen.answer).collect()
            }
            Err(ZoneError::NotRegistered(_)) => Vec::new(),
            Err(ZoneError::Failed(failure)) => vec![Answer::Failed(failure)],
        }
    }

    async fn probe(&self, judgement: &Judgement, probes: Probes) -> Evidence {
        let mut evidence = Evidence {
            named_by: probes.named_by,
            ..Evidence::default()
        };
        if let Some(question) = &probes.doubled {
            evidence.doubled = self.ask_near(judgement, question).await;
        }
        if let Some(question) = &probes.beside {
            evidence.beside = self.ask_near(judgement, question).await;
        }
        if let Some(question) = &probes.ipv6 {
            evidence.ipv6 = self.ask_near(judgement, question).await;
        }
        for target in probes.targets {
            let lasting = |_: &_| !self.observer.exchange().is_spent();
            let reach = self
                .targets
                .once(&target, lasting, self.reach(&target))
                .await;
            evidence.targets.insert(target, reach);
        }
        evidence
    }

    /// Asks the host's own zone about a name beside or below the host.
    async fn ask_near(&self, judgement: &Judgement, question: &Question) -> Option<Answer> {
        let host = &judgement.expected.question.name;
        let zone = self.observer.zone(host).await.ok()?;
        self.observer.ask_a_server(&zone, question).await
    }

    async fn reach(&self, target: &RecordName) -> Reach {
        let mut end = target.clone();
        for record_type in [RecordType::A, RecordType::Aaaa] {
            let question = Question {
                name: target.clone(),
                record_type,
            };
            match self.observer.ask_a_resolver(&question).await {
                Some(Answer::Found(found)) if !found.records.is_empty() => {
                    return Reach::Reached(found.aliases.into_iter().next());
                }
                Some(Answer::Found(found)) => end = found.aliases.last().cloned().unwrap_or(end),
                Some(Answer::NoData { .. } | Answer::NxDomain { .. }) => {}
                Some(Answer::Failed(_)) | None => return Reach::Unknown,
            }
        }
        match self.observer.unregistered(&end).await {
            Some(domain) => Reach::Unregistered(domain),
            None => Reach::Nothing,
        }
    }

    /// Judges what phones find, whichever of the zone's servers they get their answers from.
    async fn phones(
        &self,
        top: &RecordName,
        expected: &[super::Expected],
        observations: &[Observation],
    ) -> Vec<Phones> {
        let mut views = views(expected, observations);
        let mut asked = BTreeMap::new();
        let mut phones = Vec::new();
        for proxy in sip::proxies(expected) {
            let transports = sip::transports(&proxy, expected);
            let wanted = sip::wanted(&proxy, expected);
            let mut seen = Vec::new();
            for known in &mut views {
                for (question, answer) in &asked {
                    let entry = known.entry(Question::clone(question));
                    entry.or_insert_with(|| Answer::clone(answer));
                }
                let walk = self.walk(&proxy, &transports, known).await;
                seen.push(sip::judge(top, &proxy, &wanted, &walk));
                asked.extend(known.clone());
            }
            phones.extend(sip::worst(seen));
        }
        phones
    }

    /// Walks from a proxy to its servers, asking the resolver for what is not known yet.
    async fn walk(
        &self,
        proxy: &RecordName,
        transports: &BTreeSet<sip::Transport>,
        known: &mut BTreeMap<Question, Answer>,
    ) -> Walk {
        let mut asked = 0;
        let mut walk = sip::walk(proxy, transports, known);
        for _ in 0..MAX_ROUNDS {
            let Walk::Needs(questions) = &walk else {
                break;
            };
            asked += questions.len();
            if asked > MAX_QUESTIONS {
                break;
            }
            let answers = questions.iter().map(async |question| {
                let answer = self.observer.ask_a_resolver(question).await?;
                Some((question.clone(), answer))
            });
            let answers: Vec<_> = join_all(answers).await.into_iter().flatten().collect();
            if answers.is_empty() {
                break;
            }
            known.extend(answers);
            walk = sip::walk(proxy, transports, known);
        }
        walk
    }
}

/// Returns what the zones' servers already answered, by question: first with the first usable answer to each, then, for
/// each answer that differs from it, with that one instead.
fn views(
    expected: &[super::Expected],
    observations: &[Observation],
) -> Vec<BTreeMap<Question, Answer>> {
    let all: Vec<(&Question, Vec<Answer>)> = expected
        .iter()
        .zip(observations)
        .map(|(expected, observation)| (&expected.question, usable(observation)))
        .collect();
    let first = all.iter().filter_map(|(question, answers)| {
        let first = answers.first()?;
        Some((Question::clone(question), first.clone()))
    });
    let first: BTreeMap<Question, Answer> = first.collect();
    let mut views = vec![first.clone()];
    for (question, answers) in &all {
        let others = answers.iter().skip(1).map(|answer| {
            let mut view = first.clone();
            view.insert(Question::clone(question), answer.clone());
            view
        });
        views.extend(others);
    }
    views.truncate(MAX_VIEWS);
    views
}

/// Returns the answers to a question that differ; a failure only if there is nothing else.
fn usable(observation: &Observation) -> Vec<Answer> {
    let refused = observation.resolvers.iter().map(|seen| &seen.answer);
    let mut refused = refused.filter(|answer| matches!(answer, Answer::Failed(Failure::Bogus(_))));
    if let Some(bogus) = refused.next() {
        return vec![bogus.clone()];
    }
    // An alias that leads nowhere is for the resolver to follow.
    let leads_out =
        |answer: &Answer| matches!(answer, Answer::Found(found) if found.records.is_empty());
    let answers = observation.authoritative.iter().map(|seen| &seen.answer);
    let answers: Vec<&Answer> = answers.filter(|answer| !leads_out(answer)).collect();
    let mut usable: Vec<Answer> = Vec::new();
    for answer in &answers {
        let records = answer.records();
        if records.is_some() && usable.iter().all(|other| other.records() != records) {
            usable.push(Answer::clone(answer));
        }
    }
    if usable.is_empty() {
        usable.extend(answers.first().map(|answer| Answer::clone(answer)));
    }
    usable
}
