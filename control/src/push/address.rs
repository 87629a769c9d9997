//! An address of the API, as text in documents and parsed everywhere else.

use serde::{Deserialize, Serialize};
use url::Url;

/// An absolute address.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Address(Url);

impl Address {
    /// The parsed address.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.0
    }
}

impl TryFrom<String> for Address {
    type Error = url::ParseError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse().map(Self)
    }
}

impl From<Address> for String {
    fn from(address: Address) -> Self {
        address.0.into()
    }
}

impl From<Url> for Address {
    fn from(url: Url) -> Self {
        Self(url)
    }
}
