//! The EVM chains that an intent may name: by name, alias, or decimal chain id.
//!
//! The public chains of the contract are built in; an administrator may add others. A name resolves to exactly one
//! chain id, case-insensitively, so `base`, `BASE` and `8453` are the same.

use serde::{Deserialize, Serialize};

/// One EVM chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chain {
    /// The name in the contract, in lower case, such as `arbitrum-one`.
    pub name: String,
    /// The name for people.
    pub display_name: String,
    /// The EIP-155 chain id.
    pub chain_id: u64,
    /// Symbol of the native currency.
    pub native_currency: String,
    /// Whether its currency has no worth.
    pub is_testnet: bool,
    /// Further names.
    #[serde(default)]
    pub aliases: Vec<String>,
}

/// Why a chain could not be added.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChainError {
    /// The name or an alias is not lower-case letters, digits and dashes beginning with a letter.
    #[error("chain name {0:?} is not lower-case letters, digits and dashes, beginning with a letter")]
    Name(String),
    /// The name, an alias or the id is taken.
    #[error("chain {0} is already registered")]
    Taken(String),
    /// Chain id 0 stands for every chain in EIP-7702 and names none.
    #[error("chain id 0 names no chain")]
    Zero,
}

/// The chains known to one deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chains(Vec<Chain>);

type Row = (&'static str, &'static str, u64, &'static str, bool, &'static [&'static str]);

/// name, display name, chain id, native currency, testnet, aliases.
const BUILT_IN: &[Row] = &[
    ("ethereum", "Ethereum", 1, "ETH", false, &["eth", "mainnet", "ethereum-mainnet", "homestead"]),
    ("sepolia", "Sepolia", 11_155_111, "ETH", true, &["ethereum-sepolia", "eth-sepolia"]),
    ("holesky", "Holesky", 17_000, "ETH", true, &["ethereum-holesky"]),
    ("hoodi", "Hoodi", 560_048, "ETH", true, &["ethereum-hoodi"]),
    ("base", "Base", 8453, "ETH", false, &["base-mainnet"]),
    ("base-sepolia", "Base Sepolia", 84_532, "ETH", true, &[]),
    ("optimism", "OP Mainnet", 10, "ETH", false, &["op", "op-mainnet", "optimism-mainnet"]),
    ("optimism-sepolia", "OP Sepolia", 11_155_420, "ETH", true, &["op-sepolia"]),
    ("arbitrum-one", "Arbitrum One", 42_161, "ETH", false, &["arbitrum", "arb", "arbitrum-mainnet"]),
    ("arbitrum-nova", "Arbitrum Nova", 42_170, "ETH", false, &[]),
    ("arbitrum-sepolia", "Arbitrum Sepolia", 421_614, "ETH", true, &[]),
    ("polygon", "Polygon PoS", 137, "POL", false, &["matic", "polygon-pos", "polygon-mainnet"]),
    ("polygon-amoy", "Polygon Amoy", 80_002, "POL", true, &["amoy"]),
    ("bsc", "BNB Smart Chain", 56, "BNB", false, &["bnb", "binance", "bnb-smart-chain"]),
    ("bsc-testnet", "BNB Smart Chain Testnet", 97, "tBNB", true, &["bnb-testnet"]),
    ("avalanche", "Avalanche C-Chain", 43_114, "AVAX", false, &["avax", "avalanche-c"]),
    ("avalanche-fuji", "Avalanche Fuji", 43_113, "AVAX", true, &["fuji"]),
    ("gnosis", "Gnosis", 100, "xDAI", false, &["xdai", "gnosis-chain"]),
    ("celo", "Celo", 42_220, "CELO", false, &[]),
    ("linea", "Linea", 59_144, "ETH", false, &[]),
    ("linea-sepolia", "Linea Sepolia", 59_141, "ETH", true, &[]),
    ("scroll", "Scroll", 534_352, "ETH", false, &[]),
    ("scroll-sepolia", "Scroll Sepolia", 534_351, "ETH", true, &[]),
    ("zksync-era", "ZKsync Era", 324, "ETH", false, &["zksync"]),
    ("blast", "Blast", 81_457, "ETH", false, &[]),
    ("mantle", "Mantle", 5000, "MNT", false, &[]),
    ("fantom", "Fantom", 250, "FTM", false, &[]),
    ("sonic", "Sonic", 146, "S", false, &[]),
    ("unichain", "Unichain", 130, "ETH", false, &[]),
    ("world-chain", "World Chain", 480, "ETH", false, &["worldchain"]),
    ("zora", "Zora", 7_777_777, "ETH", false, &[]),
    ("mode", "Mode", 34_443, "ETH", false, &[]),
    ("berachain", "Berachain", 80_094, "BERA", false, &[]),
    ("ink", "Ink", 57_073, "ETH", false, &[]),
];

impl Chains {
    /// The public chains.
    #[must_use]
    pub fn built_in() -> Self {
        Self(BUILT_IN.iter().map(from_row).collect())
    }

    /// Registers a further chain.
    ///
    /// # Errors
    /// [`ChainError`] when a name is malformed or taken.
    pub fn add(&mut self, chain: Chain) -> Result<(), ChainError> {
        if chain.chain_id == 0 {
            return Err(ChainError::Zero);
        }
        let names = || core::iter::once(&chain.name).chain(&chain.aliases);
        if let Some(wrong) = names().find(|name| !well_formed(name)) {
            return Err(ChainError::Name(wrong.clone()));
        }
        if let Some(taken) = names().find(|name| self.resolve(name).is_some()) {
            return Err(ChainError::Taken(taken.clone()));
        }
        if self.by_id(chain.chain_id).is_some() {
            return Err(ChainError::Taken(chain.chain_id.to_string()));
        }
        self.0.push(chain);
        Ok(())
    }

    /// Removes a chain; its former description, if it was there.
    pub fn remove(&mut self, chain_id: u64) -> Option<Chain> {
        let at = self.0.iter().position(|chain| chain.chain_id == chain_id)?;
        Some(self.0.remove(at))
    }

    /// The chain of a name, an alias, or a decimal chain id.
    #[must_use]
    pub fn resolve(&self, identifier: &str) -> Option<&Chain> {
        if is_decimal(identifier) {
            return self.by_id(identifier.parse().ok()?);
        }
        let is = |name: &String| name.eq_ignore_ascii_case(identifier);
        self.0.iter().find(|chain| is(&chain.name) || chain.aliases.iter().any(is))
    }

    /// The chain of an id.
    #[must_use]
    pub fn by_id(&self, chain_id: u64) -> Option<&Chain> {
        self.0.iter().find(|chain| chain.chain_id == chain_id)
    }

    /// All chains, in the order of registration.
    pub fn iter(&self) -> impl Iterator<Item = &Chain> {
        self.0.iter()
    }
}

impl Default for Chains {
    fn default() -> Self {
        Self::built_in()
    }
}

fn from_row(&(name, display_name, chain_id, currency, is_testnet, aliases): &Row) -> Chain {
    Chain {
        name: name.to_owned(),
        display_name: display_name.to_owned(),
        chain_id,
        native_currency: currency.to_owned(),
        is_testnet,
        aliases: aliases.iter().map(|alias| (*alias).to_owned()).collect(),
    }
}

/// A decimal id without sign or leading zero, so that each chain has one such spelling.
fn is_decimal(text: &str) -> bool {
    !text.starts_with('0') && !text.is_empty() && text.bytes().all(|c| c.is_ascii_digit())
}

fn well_formed(name: &str) -> bool {
    let allowed = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-';
    name.len() <= 64 && name.bytes().all(allowed) && name.starts_with(|c: char| c.is_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn anvil() -> Chain {
        Chain {
            name: "anvil".to_owned(),
            display_name: "Anvil".to_owned(),
            chain_id: 31_337,
            native_currency: "ETH".to_owned(),
            is_testnet: true,
            aliases: vec!["localhost".to_owned()],
        }
    }

    #[test]
    fn names_aliases_and_ids_resolve_to_one_chain() {
        let chains = Chains::built_in();
        for text in ["base", "BASE", "8453", "base-mainnet"] {
            assert_eq!(chains.resolve(text).map(|c| c.chain_id), Some(8453), "{text}");
        }
        for text in ["", "basee", "08453", "+8453", "0x2105", " base", "99999999999999999999999"] {
            assert_eq!(chains.resolve(text), None, "{text}");
        }
    }

    #[test]
    fn built_in_chains_could_all_be_added() {
        let mut chains = Chains(Vec::new());
        for row in BUILT_IN {
            assert_eq!(chains.add(from_row(row)), Ok(()), "{}", row.0);
        }
        for name in ["ethereum", "sepolia", "base", "base-sepolia", "optimism", "arbitrum-one", "polygon"] {
            assert!(chains.resolve(name).is_some(), "{name}");
        }
    }

    #[test]
    fn an_added_chain_resolves_until_removed() {
        let mut chains = Chains::built_in();
        chains.add(anvil()).unwrap();
        assert_eq!(chains.resolve("localhost"), chains.resolve("31337"));
        assert_eq!(chains.remove(31_337), Some(anvil()));
        assert_eq!(chains.resolve("anvil"), None);
    }

    #[test]
    fn name_must_be_well_formed() {
        for name in ["", "Anvil", "1anvil", "an vil", "an/vil", "\u{e4}nvil"] {
            let chain = Chain { name: name.to_owned(), ..anvil() };
            assert_eq!(Chains::built_in().add(chain), Err(ChainError::Name(name.to_owned())));
        }
    }

    #[test]
    fn taken_names_and_ids_are_refused() {
        let taken = |chain| matches!(Chains::built_in().add(chain), Err(ChainError::Taken(_)));
        assert!(taken(Chain { name: "base".to_owned(), ..anvil() }));
        assert!(taken(Chain { aliases: vec!["eth".to_owned()], ..anvil() }));
        assert!(taken(Chain { chain_id: 1, ..anvil() }));
    }

    #[test]
    fn zero_names_no_chain() {
        assert_eq!(Chains::built_in().add(Chain { chain_id: 0, ..anvil() }), Err(ChainError::Zero));
    }
}
