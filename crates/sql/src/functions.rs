//! Functions of `PostgreSQL` and of common extensions that do more than compute
//! (manual chapters 9.27 "System Administration Functions" and 33.4 "Server-Side
//! Functions" of large objects; the documentation of dblink, tablefunc,
//! adminpack, `pg_stat_statements`, `TimescaleDB` and Citus).

use super::kinds::StatementKind;

/// What calling a function does, sorted by name.
const FUNCTIONS: &[(&str, StatementKind)] = &[
    ("alter_job", StatementKind::Write),
    ("create_distributed_table", StatementKind::Write),
    ("crosstab", StatementKind::Unknown),
    ("crosstabn", StatementKind::Unknown),
    ("currval", StatementKind::Read),
    ("dblink", StatementKind::Unknown),
    ("dblink_exec", StatementKind::Unknown),
    ("dblink_open", StatementKind::Unknown),
    ("dblink_send_query", StatementKind::Unknown),
    ("drop_chunks", StatementKind::Drop),
    ("lo_creat", StatementKind::Write),
    ("lo_create", StatementKind::Write),
    ("lo_export", StatementKind::CopyToFile),
    ("lo_from_bytea", StatementKind::Write),
    ("lo_import", StatementKind::Write),
    ("lo_put", StatementKind::LargeObject),
    ("lo_truncate", StatementKind::LargeObject),
    ("lo_truncate64", StatementKind::LargeObject),
    ("lo_unlink", StatementKind::LargeObject),
    ("lowrite", StatementKind::LargeObject),
    ("master_drop_all_shards", StatementKind::Drop),
    ("nextval", StatementKind::Write),
    ("pg_advisory_lock", StatementKind::Write),
    ("pg_backup_start", StatementKind::Write),
    ("pg_backup_stop", StatementKind::Write),
    ("pg_cancel_backend", StatementKind::Terminate),
    ("pg_clear_attribute_stats", StatementKind::Write),
    ("pg_clear_relation_stats", StatementKind::Write),
    ("pg_copy_logical_replication_slot", StatementKind::Write),
    ("pg_copy_physical_replication_slot", StatementKind::Write),
    ("pg_create_logical_replication_slot", StatementKind::Write),
    ("pg_create_physical_replication_slot", StatementKind::Write),
    ("pg_create_restore_point", StatementKind::Write),
    ("pg_drop_replication_slot", StatementKind::Drop),
    ("pg_extension_config_dump", StatementKind::Write),
    ("pg_file_rename", StatementKind::CopyToFile),
    ("pg_file_unlink", StatementKind::Drop),
    ("pg_file_write", StatementKind::CopyToFile),
    ("pg_import_system_collations", StatementKind::Write),
    ("pg_logical_emit_message", StatementKind::Write),
    ("pg_logical_slot_get_binary_changes", StatementKind::Write),
    ("pg_logical_slot_get_changes", StatementKind::Write),
    ("pg_notify", StatementKind::Write),
    ("pg_promote", StatementKind::Write),
    ("pg_reload_conf", StatementKind::Write),
    ("pg_replication_origin_advance", StatementKind::Write),
    ("pg_replication_origin_create", StatementKind::Write),
    ("pg_replication_origin_drop", StatementKind::Drop),
    ("pg_replication_slot_advance", StatementKind::Write),
    ("pg_restore_attribute_stats", StatementKind::Write),
    ("pg_restore_relation_stats", StatementKind::Write),
    ("pg_rotate_logfile", StatementKind::Write),
    ("pg_stat_reset", StatementKind::Write),
    ("pg_stat_reset_shared", StatementKind::Write),
    ("pg_stat_reset_single_table_counters", StatementKind::Write),
    ("pg_stat_reset_slru", StatementKind::Write),
    ("pg_stat_statements_reset", StatementKind::Write),
    ("pg_switch_wal", StatementKind::Write),
    ("pg_terminate_backend", StatementKind::Terminate),
    ("pg_try_advisory_lock", StatementKind::Write),
    ("pg_wal_replay_pause", StatementKind::Write),
    ("pg_wal_replay_resume", StatementKind::Write),
    ("query_to_xml", StatementKind::Unknown),
    ("query_to_xml_and_xmlschema", StatementKind::Unknown),
    ("query_to_xmlschema", StatementKind::Unknown),
    ("run_command_on_all_nodes", StatementKind::Unknown),
    ("run_command_on_coordinator", StatementKind::Unknown),
    ("run_command_on_placements", StatementKind::Unknown),
    ("run_command_on_shards", StatementKind::Unknown),
    ("run_command_on_workers", StatementKind::Unknown),
    ("set_config", StatementKind::Write),
    ("setval", StatementKind::Write),
    ("ts_rewrite", StatementKind::Unknown),
    ("ts_stat", StatementKind::Unknown),
];

/// What calling the function of this name does, `None` if it is not known to
/// do anything.
pub(super) fn function(name: &[u8]) -> Option<StatementKind> {
    let place = FUNCTIONS.binary_search_by(|(known, _)| known.as_bytes().cmp(name));
    FUNCTIONS.get(place.ok()?).map(|(_, kind)| *kind)
}

/// The longest name in the table, so that longer ones need no look.
pub(super) const LONGEST: usize = 40;

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing
    )]
    use super::*;

    #[test]
    fn the_table_is_sorted() {
        assert!(FUNCTIONS.windows(2).all(|pair| pair[0].0 < pair[1].0));
        assert!(FUNCTIONS.iter().all(|(name, _)| name.len() <= LONGEST));
    }
}
