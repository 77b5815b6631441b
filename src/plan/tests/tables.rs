//! Tables over whole plans.
