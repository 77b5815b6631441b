//! A lease among pods: an object in the cluster that they run in, changed only from a resource version that was seen.
//!
//! As in Kubernetes' own leader election, the clocks of different hosts are never compared: a lease has expired when
//! its `renewTime` did not change for its whole duration, as observed by whoever waits for it.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::coordination::v1::{Lease as Object, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::{ListParams, PostParams};
use kube::{Api, Client, Config, Error};
use sha2::{Digest as _, Sha256};

use super::contend::{Contender, Rival, contend};
use super::fence::{Fence, Moment};
use super::record::{Attempt, Claim, Clock, Lease, LeaseError, Record};
use super::scope::LeaseScope;
use super::unchanged::Unchanged;

/// Label of all leases of one cluster's platform.
const LABEL: &str = "emblazon/leases-of";
/// Annotation that says what the holder does.
const PURPOSE: &str = "emblazon/purpose";

/// A `coordination.k8s.io/v1` Lease.
pub struct KubernetesLease {
    leases: Api<Object>,
    namespace: String,
    scope: LeaseScope,
    now: Clock,
    /// Distinguishes this holder from another run with the same process id on a host of the same name.
    mark: u64,
    unchanged: Unchanged,
    fence: Fence,
    /// Our lease, as the server has it.
    held: Option<Object>,
}

/// The result of writing a lease object.
enum WrittenLease {
    Done(Box<Object>),
    /// Somebody else changed or deleted it.
    Moved,
}

impl KubernetesLease {
    /// Connects to the cluster that this pod runs in, or that the user's configuration names; acquires nothing yet.
    pub async fn connect(scope: LeaseScope, now: Clock) -> Result<Self, LeaseError> {
        let config = Config::infer().await.map_err(|error| failed(&error))?;
        Self::at(config, scope, now)
    }

    /// Connects to the cluster that a configuration names.
    pub fn at(config: Config, scope: LeaseScope, now: Clock) -> Result<Self, LeaseError> {
        let namespace = config.default_namespace.clone();
        let client = Client::try_from(config).map_err(|error| failed(&error))?;
        Ok(Self {
            leases: Api::namespaced(client, &namespace),
            namespace,
            scope,
            now,
            mark: fastrand::u64(..),
            unchanged: Unchanged::default(),
            fence: Fence::default(),
            held: None,
        })
    }

    /// Returns the fence of this lease.
    #[must_use]
    pub fn fence(&self) -> Fence {
        self.fence.clone()
    }

    fn start(&self) -> String {
        format!("emblazon-{}", slug(self.scope.whole_file()))
    }

    fn name(&self) -> String {
        format!("{}{}", self.start(), self.scope.suffix())
    }

    /// Returns whether a lease has ended: nobody holds it, or it did not change for its whole term.
    fn is_over(&mut self, lease: &Object) -> bool {
        let name = lease.metadata.name.as_deref().unwrap_or_default();
        let version = lease.metadata.resource_version.as_deref();
        let version = version.unwrap_or_default();
        let unchanged = self.unchanged.duration(name, version, (self.now)());
        let Some(spec) = lease.spec.as_ref().filter(|spec| is_held(spec)) else {
            return true;
        };
        let term = i64::from(spec.lease_duration_seconds.unwrap_or_default());
        unchanged > SignedDuration::from_secs(term)
    }

    /// Writes a lease on the condition that its resource version is current, or creates it if it has none.
    async fn write(&self, name: &str, lease: Object) -> Result<WrittenLease, LeaseError> {
        let parameters = PostParams::default();
        let written = match &lease.metadata.resource_version {
            Some(_) => self.leases.replace(name, &parameters, &lease).await,
            None => self.leases.create(&parameters, &lease).await,
        };
        match written {
            Ok(lease) => Ok(WrittenLease::Done(Box::new(lease))),
            Err(Error::Api(status)) if matches!(status.code, 404 | 409) => Ok(WrittenLease::Moved),
            Err(error) => Err(failed(&error)),
        }
    }

    fn identity(&self, claim: &Claim) -> String {
        format!("{} {:016x}", claim.holder, self.mark)
    }

    /// Returns whether a lease names this holder.
    fn is_ours(&self, claim: &Claim, lease: &Object) -> bool {
        let spec = lease.spec.as_ref();
        let holder = spec.and_then(|spec| spec.holder_identity.as_ref());
        holder == Some(&self.identity(claim))
    }

    /// Returns the lease as held by us, for a term from now on.
    fn ours(&self, claim: &Claim, before: Option<Object>) -> Object {
        let now = micro((self.now)());
        let mut lease = before.unwrap_or_else(|| Object {
            metadata: ObjectMeta {
                name: Some(self.name()),
                ..ObjectMeta::default()
            },
            spec: None,
        });
        let labels = lease.metadata.labels.get_or_insert_default();
        labels.insert(LABEL.to_owned(), slug(self.scope.whole_file()));
        let annotations = lease.metadata.annotations.get_or_insert_default();
        annotations.insert(PURPOSE.to_owned(), claim.purpose.clone());
        let spec = lease.spec.get_or_insert_default();
        let identity = Some(self.identity(claim));
        if spec.holder_identity != identity {
            spec.holder_identity = identity;
            spec.acquire_time = Some(now.clone());
            spec.lease_transitions = Some(spec.lease_transitions.map_or(0, |count| count + 1));
        }
        let term = i32::try_from(claim.term.as_secs()).unwrap_or(i32::MAX);
        spec.lease_duration_seconds = Some(term.max(1));
        spec.renew_time = Some(now);
        lease
    }

    /// Renews our lease for another term; returns nothing when it is somebody else's.
    async fn write_again(&self, claim: &Claim) -> Result<Option<Object>, LeaseError> {
        let name = self.name();
        let Some(held) = self.held.clone() else {
            return Ok(None);
        };
        if let WrittenLease::Done(lease) = self.write(&name, self.ours(claim, Some(held))).await? {
            return Ok(Some(*lease));
        }
        // A renewal whose response was lost may have been applied.
        let found = self.read().await?;
        let Some(now) = found.filter(|lease| self.is_ours(claim, lease)) else {
            return Ok(None);
        };
        match self.write(&name, self.ours(claim, Some(now))).await? {
            WrittenLease::Done(lease) => Ok(Some(*lease)),
            WrittenLease::Moved => Ok(None),
        }
    }

    async fn read(&self) -> Result<Option<Object>, LeaseError> {
        let found = self.leases.get_opt(&self.name()).await;
        found.map_err(|error| failed(&error))
    }
}

impl Lease for KubernetesLease {
    async fn attempt(&mut self, claim: &Claim) -> Result<Attempt, LeaseError> {
        contend(self, claim).await
    }

    async fn renew(&mut self, claim: &Claim) -> Result<(), LeaseError> {
        let asked = Moment::now();
        self.held = self.write_again(claim).await?;
        if self.held.is_some() {
            self.fence.extend(asked, claim.term);
            Ok(())
        } else {
            self.fence.end();
            Err(LeaseError::Lost)
        }
    }

    async fn release(&mut self) -> Result<(), LeaseError> {
        self.fence.end();
        let Some(held) = self.held.take() else {
            return Ok(());
        };
        // If it changed in between, somebody else already holds it.
        self.write(&self.name(), given_back(held)).await?;
        Ok(())
    }

    fn remedy(&self) -> Option<String> {
        let (namespace, name) = (&self.namespace, self.name());
        Some(format!(
            "kubectl --namespace {namespace} delete lease {name}"
        ))
    }
}

impl Contender for KubernetesLease {
    /// Expired leases are released on behalf of their holders.
    async fn rival(&mut self) -> Result<Rival, LeaseError> {
        let selected = format!("{LABEL}={}", slug(self.scope.whole_file()));
        let ours = ListParams::default().labels(&selected);
        let listed = self.leases.list(&ours);
        let start = self.start();
        let mut over = None;
        for lease in listed.await.map_err(|error| failed(&error))? {
            let name = lease.metadata.name.clone().unwrap_or_default();
            let is_held = lease.spec.as_ref().is_some_and(is_held);
            if !self.scope.is_rival(&start, &name) || !is_held {
                continue;
            }
            let record = record(&lease);
            if !self.is_over(&lease) {
                return Ok(Rival::Held(record));
            }
            if let WrittenLease::Moved = self.write(&name, given_back(lease)).await? {
                return Ok(Rival::Moving);
            }
            over = Some(record);
        }
        Ok(Rival::None { over })
    }

    async fn take(&mut self, claim: &Claim) -> Result<Option<Attempt>, LeaseError> {
        let before = self.read().await?;
        let mut over = None;
        if let Some(lease) = &before {
            let is_held = lease.spec.as_ref().is_some_and(is_held);
            if is_held && !self.is_ours(claim, lease) {
                if !self.is_over(lease) {
                    return Ok(Some(Attempt::Busy(record(lease))));
                }
                over = Some(record(lease));
            }
        }
        let asked = Moment::now();
        match self.write(&self.name(), self.ours(claim, before)).await? {
            WrittenLease::Moved => Ok(None),
            WrittenLease::Done(lease) => {
                self.held = Some(*lease);
                self.fence.extend(asked, claim.term);
                Ok(Some(Attempt::Taken { over }))
            }
        }
    }
}

fn is_held(spec: &LeaseSpec) -> bool {
    spec.holder_identity
        .as_ref()
        .is_some_and(|holder| !holder.is_empty())
}

/// Returns the lease without a holder. A released lease is kept, because deleting it needs a further permission.
fn given_back(mut lease: Object) -> Object {
    if let Some(spec) = &mut lease.spec {
        spec.holder_identity = Some(String::new());
        spec.lease_duration_seconds = Some(1);
    }
    lease
}

fn record(lease: &Object) -> Record {
    let spec = lease.spec.clone().unwrap_or_default();
    let term = SignedDuration::from_secs(spec.lease_duration_seconds.unwrap_or_default().into());
    let purpose = lease
        .metadata
        .annotations
        .as_ref()
        .and_then(|all| all.get(PURPOSE));
    Record {
        holder: spec.holder_identity.unwrap_or_default(),
        purpose: purpose
            .cloned()
            .unwrap_or_else(|| "no purpose given".to_owned()),
        since: spec
            .acquire_time
            .map_or(Timestamp::UNIX_EPOCH, |time| time_of(&time)),
        expires: spec
            .renew_time
            .and_then(|time| time_of(&time).checked_add(term).ok()),
        term_seconds: None,
        mark: 0,
    }
}

/// Converts a time: the types of the Kubernetes API use another version of the same library.
fn micro(now: Timestamp) -> MicroTime {
    MicroTime(
        k8s_openapi::jiff::Timestamp::from_microsecond(now.as_microsecond()).unwrap_or_default(),
    )
}

fn time_of(time: &MicroTime) -> Timestamp {
    Timestamp::from_microsecond(time.0.as_microsecond()).unwrap_or_default()
}

/// Returns the name of a platform as Kubernetes accepts it: a digest if it is too long or has other characters than
/// lower-case letters, digits and hyphens.
fn slug(name: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let ends = |byte: u8| byte != b'-';
    let is_fine = name.len() <= 40
        && name.bytes().all(is_plain)
        && name.bytes().next().is_some_and(ends)
        && name.bytes().last().is_some_and(ends);
    if is_fine {
        return name.to_owned();
    }
    let digest = Sha256::digest(name.as_bytes());
    digest
        .iter()
        .take(8)
        .fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

fn failed(error: &dyn std::error::Error) -> LeaseError {
    LeaseError::Kubernetes(error.to_string())
}
