//! Values that stand by themselves: e-mail addresses, instants, periods, and the pace of long work.

mod email;
mod instant;
mod pace;
mod period;
