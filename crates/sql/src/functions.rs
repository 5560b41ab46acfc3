//! Functions of `PostgreSQL` and of common extensions that do more than compute
//! (manual chapters 9.27 "System Administration Functions" and 33.4 "Server-Side
//! Functions" of large objects; the documentation of dblink, tablefunc,
//! adminpack, `pg_stat_statements`, `TimescaleDB` and Citus).

use super::kinds::Kind;

/// What calling a function does, sorted by name.
const FUNCTIONS: &[(&str, Kind)] = &[
    ("alter_job", Kind::Write),
    ("create_distributed_table", Kind::Write),
    ("crosstab", Kind::Unknown),
    ("crosstabn", Kind::Unknown),
    ("currval", Kind::Read),
    ("dblink", Kind::Unknown),
    ("dblink_exec", Kind::Unknown),
    ("dblink_open", Kind::Unknown),
    ("dblink_send_query", Kind::Unknown),
    ("drop_chunks", Kind::Drop),
    ("lo_creat", Kind::Write),
    ("lo_create", Kind::Write),
    ("lo_export", Kind::CopyToFile),
    ("lo_from_bytea", Kind::Write),
    ("lo_import", Kind::Write),
    ("lo_put", Kind::LargeObject),
    ("lo_truncate", Kind::LargeObject),
    ("lo_truncate64", Kind::LargeObject),
    ("lo_unlink", Kind::LargeObject),
    ("lowrite", Kind::LargeObject),
    ("master_drop_all_shards", Kind::Drop),
    ("nextval", Kind::Write),
    ("pg_advisory_lock", Kind::Write),
    ("pg_backup_start", Kind::Write),
    ("pg_backup_stop", Kind::Write),
    ("pg_cancel_backend", Kind::Terminate),
    ("pg_clear_attribute_stats", Kind::Write),
    ("pg_clear_relation_stats", Kind::Write),
    ("pg_copy_logical_replication_slot", Kind::Write),
    ("pg_copy_physical_replication_slot", Kind::Write),
    ("pg_create_logical_replication_slot", Kind::Write),
    ("pg_create_physical_replication_slot", Kind::Write),
    ("pg_create_restore_point", Kind::Write),
    ("pg_drop_replication_slot", Kind::Drop),
    ("pg_extension_config_dump", Kind::Write),
    ("pg_file_rename", Kind::CopyToFile),
    ("pg_file_unlink", Kind::Drop),
    ("pg_file_write", Kind::CopyToFile),
    ("pg_import_system_collations", Kind::Write),
    ("pg_logical_emit_message", Kind::Write),
    ("pg_logical_slot_get_binary_changes", Kind::Write),
    ("pg_logical_slot_get_changes", Kind::Write),
    ("pg_notify", Kind::Write),
    ("pg_promote", Kind::Write),
    ("pg_reload_conf", Kind::Write),
    ("pg_replication_origin_advance", Kind::Write),
    ("pg_replication_origin_create", Kind::Write),
    ("pg_replication_origin_drop", Kind::Drop),
    ("pg_replication_slot_advance", Kind::Write),
    ("pg_restore_attribute_stats", Kind::Write),
    ("pg_restore_relation_stats", Kind::Write),
    ("pg_rotate_logfile", Kind::Write),
    ("pg_stat_reset", Kind::Write),
    ("pg_stat_reset_shared", Kind::Write),
    ("pg_stat_reset_single_table_counters", Kind::Write),
    ("pg_stat_reset_slru", Kind::Write),
    ("pg_stat_statements_reset", Kind::Write),
    ("pg_switch_wal", Kind::Write),
    ("pg_terminate_backend", Kind::Terminate),
    ("pg_try_advisory_lock", Kind::Write),
    ("pg_wal_replay_pause", Kind::Write),
    ("pg_wal_replay_resume", Kind::Write),
    ("query_to_xml", Kind::Unknown),
    ("query_to_xml_and_xmlschema", Kind::Unknown),
    ("query_to_xmlschema", Kind::Unknown),
    ("run_command_on_all_nodes", Kind::Unknown),
    ("run_command_on_coordinator", Kind::Unknown),
    ("run_command_on_placements", Kind::Unknown),
    ("run_command_on_shards", Kind::Unknown),
    ("run_command_on_workers", Kind::Unknown),
    ("set_config", Kind::Write),
    ("setval", Kind::Write),
    ("ts_rewrite", Kind::Unknown),
    ("ts_stat", Kind::Unknown),
];

/// What calling the function of this name does, `None` if it is not known to
/// do anything.
pub(super) fn function(name: &[u8]) -> Option<Kind> {
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
