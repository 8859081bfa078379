//! Where a requirement stands.

/// Where a requirement stands, over `requirements` and `clock`, a row that holds today.
pub const STATUS: &str = "(CASE
    WHEN requirements.ended_at IS NOT NULL THEN 'ended'
    WHEN requirements.satisfied_at IS NOT NULL AND requirements.valid_until < clock.today THEN 'expired'
    WHEN requirements.satisfied_at IS NOT NULL THEN 'satisfied'
    WHEN requirements.opens_on > clock.today THEN 'upcoming'
    WHEN requirements.due_on < clock.today THEN 'overdue'
    ELSE 'open' END)";
