//! Values that stand by themselves.

mod pace;
