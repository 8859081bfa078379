-- The client that deleted them, by the source of its external keys: they come back to no other one.
ALTER TABLE scim_users ADD COLUMN deleted_by text;
UPDATE scim_users SET deleted_by = (
    SELECT 'scim:' || events.actor_id FROM events
    WHERE events.object_id = scim_users.user_id AND events.action = 'scim_user.deleted'
    ORDER BY events.id DESC LIMIT 1
) WHERE deleted_at IS NOT NULL;
