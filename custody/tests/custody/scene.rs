//! One vault with its three KEKs, and a source of randomness that repeats.

use aws_lc_rs::digest::{SHA256, digest};
use shroud_custody::{
    ClientShare, Commitments, CustodyMode, Kek, KekSet, OpenError, Opened, Provider, Random, SealedSecret,
    SecretContext, StoredSecret, open_secret, seal_secret,
};

/// SHA-256 over a seed and a counter: the same bytes on every run.
pub(crate) struct Stream {
    seed: String,
    counter: u64,
}

impl Stream {
    pub(crate) fn seeded(seed: impl Into<String>) -> Self {
        Self { seed: seed.into(), counter: 0 }
    }
}

impl Random for Stream {
    fn fill(&mut self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(32) {
            let block = digest(&SHA256, format!("{}/{}", self.seed, self.counter).as_bytes());
            chunk.copy_from_slice(&block.as_ref()[..chunk.len()]);
            self.counter += 1;
        }
    }
}

/// Where the secret of these tests belongs.
pub(crate) const PLACE: SecretContext<'static> = SecretContext {
    origin: "shroud.invalid/7c0a6a5e-52a3-4a38-8b2c-0f3a54c6a001",
    org: "2b1f2c6e-0000-4000-8000-000000000001",
    vault: "2b1f2c6e-0000-4000-8000-000000000002",
    path: "api-keys/stripe",
    version: 1,
};

/// The value of these tests.
pub(crate) const VALUE: &[u8] = b"sk_live_4eC39HqLyjWDarjtT1zdp7dc";

/// The KEKs of the vault.
pub(crate) struct Vault {
    keks: [Kek; 3],
}

impl Vault {
    pub(crate) fn new(random: &mut dyn Random) -> Self {
        Self { keks: [0; 3].map(|_| Kek::generate(random)) }
    }

    pub(crate) fn kek(&self, provider: Provider) -> &Kek {
        &self.keks[usize::from(provider.index().value()) - 1]
    }

    pub(crate) fn all(&self) -> KekSet<'_> {
        self.only(&Provider::ALL)
    }

    pub(crate) fn only(&self, providers: &[Provider]) -> KekSet<'_> {
        providers.iter().fold(KekSet::new(), |set, provider| set.with(*provider, self.kek(*provider)))
    }
}

/// A vault with one sealed secret in it.
pub(crate) struct Scene {
    pub(crate) mode: CustodyMode,
    pub(crate) vault: Vault,
    pub(crate) sealed: SealedSecret,
    pub(crate) random: Stream,
}

impl Scene {
    pub(crate) fn set(mode: CustodyMode) -> Self {
        let mut random = Stream::seeded(format!("scene/{mode}"));
        let vault = Vault::new(&mut random);
        let sealed = seal_secret(mode, &PLACE, &vault.all(), VALUE, &mut random).unwrap();
        Self { mode, vault, sealed, random }
    }

    pub(crate) fn open(&self, keks: &KekSet<'_>) -> Result<Opened, OpenError> {
        self.open_with(keks, self.sealed.client_share.as_ref())
    }

    pub(crate) fn open_with(
        &self,
        keks: &KekSet<'_>,
        client: Option<&ClientShare>,
    ) -> Result<Opened, OpenError> {
        open_secret(self.mode, &PLACE, &stored(&self.sealed), keks, client)
    }

    /// The sealed share of `provider`, to be tampered with.
    pub(crate) fn share(&mut self, provider: Provider) -> &mut Vec<u8> {
        &mut self.sealed.shares.iter_mut().find(|(holder, _)| *holder == provider).unwrap().1
    }

    /// Seals `bytes` in the place of `provider`'s share, as whoever holds its KEK can.
    pub(crate) fn forge(&mut self, provider: Provider, bytes: &[u8]) {
        let context = PLACE.share(self.mode, provider);
        *self.share(provider) = self.vault.keks[usize::from(provider.index().value()) - 1]
            .seal(&context, bytes, &mut Stream::seeded("forger"))
            .unwrap();
    }

    /// The plain bytes of `provider`'s share.
    pub(crate) fn plain_share(&self, provider: Provider) -> Vec<u8> {
        let (_, sealed) = self.sealed.shares.iter().find(|(holder, _)| *holder == provider).unwrap();
        self.vault.kek(provider).open(&PLACE.share(self.mode, provider), sealed).unwrap().to_vec()
    }

    /// The client's share with one bit turned in the byte at `position`.
    pub(crate) fn wrong_client_share(&self, position: usize) -> ClientShare {
        use base64ct::{Base64, Encoding};
        let text = self.sealed.client_share.as_ref().unwrap().to_base64();
        let mut bytes = Base64::decode_vec(&text).unwrap();
        bytes[position] ^= 1;
        ClientShare::parse(self.mode, &Base64::encode_string(&bytes)).unwrap()
    }
}

/// What the store would hold.
pub(crate) fn stored(sealed: &SealedSecret) -> StoredSecret<'_> {
    StoredSecret { value: &sealed.value, commitment: &sealed.commitment, shares: &sealed.shares }
}

/// The commitments as they come back from their row.
pub(crate) fn read_back(commitments: &Commitments) -> Commitments {
    Commitments::parse(&commitments.to_bytes()).unwrap()
}
