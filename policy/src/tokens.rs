//! The registry of known tokens: well-known ERC-20 contracts, for `tx_known_tokens_only`.

use crate::Address;

/// One known token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownToken {
    /// The chain of the contract.
    pub chain_id: u64,
    /// The contract, with its checksum.
    pub address: &'static str,
    /// Its symbol.
    pub symbol: &'static str,
    /// Fraction digits of its amounts.
    pub decimals: u8,
}

const fn token(chain_id: u64, address: &'static str, symbol: &'static str, decimals: u8) -> KnownToken {
    KnownToken { chain_id, address, symbol, decimals }
}

/// All known tokens.
pub const KNOWN_TOKENS: &[KnownToken] = &[
    token(1, "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48", "USDC", 6),
    token(1, "0xdAC17F958D2ee523a2206206994597C13D831ec7", "USDT", 6),
    token(1, "0x6B175474E89094C44Da98b954EedeAC495271d0F", "DAI", 18),
    token(1, "0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2", "WETH", 18),
    token(1, "0x2260FAC5E5542a773Aa44fBCfeDf7C193bc2C599", "WBTC", 8),
    token(10, "0x0b2C639c533813f4Aa9D7837CAf62653d097Ff85", "USDC", 6),
    token(10, "0x4200000000000000000000000000000000000006", "WETH", 18),
    token(137, "0x3c499c542cEF5E3811e1192ce70d8cC03d5c3359", "USDC", 6),
    token(8453, "0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913", "USDC", 6),
    token(8453, "0x4200000000000000000000000000000000000006", "WETH", 18),
    token(42_161, "0xaf88d065e77c8cC2239327C5EDb3A432268e5831", "USDC", 6),
    token(42_161, "0x82aF49447D8a07e3bd95BD0d56f35241523fBab1", "WETH", 18),
    token(84_532, "0x036CbD53842c5426634e7929541eC2318f3dCF7e", "USDC", 6),
    token(11_155_111, "0x1c7D4B196Cb0C7B01d743Fbc6116a902379C7238", "USDC", 6),
];

/// The known token at an address on a chain.
#[must_use]
pub fn known(chain_id: u64, address: Address) -> Option<&'static KnownToken> {
    KNOWN_TOKENS.iter().find(|token| token.chain_id == chain_id && token.address.parse() == Ok(address))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Chains;

    #[test]
    fn every_token_has_a_right_checksum_and_a_built_in_chain() {
        for token in KNOWN_TOKENS {
            let address: Address = token.address.parse().unwrap();
            assert_eq!(address.to_checksum(), token.address);
            assert_eq!(known(token.chain_id, address), Some(token));
            assert!(Chains::built_in().by_id(token.chain_id).is_some(), "{token:?}");
        }
    }

    #[test]
    fn a_token_is_known_on_its_own_chain_only() {
        let usdc = "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48".parse().unwrap();
        assert_eq!(known(10, usdc), None);
    }
}
