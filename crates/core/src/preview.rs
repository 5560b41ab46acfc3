//! What one invocation would destroy here and now: the loss, or *unknown*.

use crate::loss::Loss;
use guard_ground::progress::Progress;
use std::time::Instant;

use crate::rule::Infrastructure;

/// What a preview found.
#[derive(Clone, Debug)]
#[must_use]
pub enum Preview {
    /// Not measured, because nothing asked for it.
    Skipped,
    /// Everything was counted.
    Exact(Loss),
    /// At least this much.
    Estimate(Loss),
    /// It could not be measured: why, and what is known all the same.
    Unknown(String, Loss),
}

impl Preview {
    /// The word that JSON uses.
    pub fn status(&self) -> &'static str {
        match self {
            Self::Skipped => "skipped",
            Self::Exact(_) => "exact",
            Self::Estimate(_) => "estimate",
            Self::Unknown(..) => "unknown",
        }
    }

    /// What was measured.
    pub fn loss(&self) -> Option<&Loss> {
        match self {
            Self::Skipped => None,
            Self::Exact(loss) | Self::Estimate(loss) | Self::Unknown(_, loss) => Some(loss),
        }
    }

    /// Whether everything was counted and nothing would be gone.
    pub fn is_harmless(&self) -> bool {
        matches!(self, Self::Exact(loss) if loss.is_none())
    }

    /// Both together: as certain as the less certain one.
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Skipped, other) => other,
            (this, Self::Skipped) => this,
            (Self::Exact(mut a), Self::Exact(b)) => {
                a.merge(b);
                Self::Exact(a)
            }
            (Self::Unknown(why, mut a), other) => {
                a.merge(other.into_loss());
                Self::Unknown(why, a)
            }
            (this, Self::Unknown(why, b)) => {
                let mut a = this.into_loss();
                a.merge(b);
                Self::Unknown(why, a)
            }
            (this, other) => {
                let mut a = this.into_loss();
                a.merge(other.into_loss());
                Self::Estimate(a)
            }
        }
    }

    fn into_loss(self) -> Loss {
        match self {
            Self::Skipped => Loss::default(),
            Self::Exact(loss) | Self::Estimate(loss) | Self::Unknown(_, loss) => loss,
        }
    }
}

/// What a preview may use.
#[derive(Debug)]
pub struct Budget {
    /// When it has to answer.
    pub deadline: Instant,
    /// Counts files as they are seen, for a progress line.
    pub progress: Option<Progress>,
    /// What the rules say about terraform's resources.
    pub infrastructure: Infrastructure,
}
