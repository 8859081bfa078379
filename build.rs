//! Builds anew when a migration is added: they are embedded, and cargo would not see it.

fn main() {
    println!("cargo:rerun-if-changed=migrations");
}
