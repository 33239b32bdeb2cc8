/* api_handlers.h: every handler, one line for each operation of openapi.yaml. For api_table.c. */
#pragma once

#include "api/api_priv.h"

/* api_session.c */
api_handler api_session_get, api_session_create, api_session_delete, api_session_link,
	api_session_password;
/* api_incident.c */
api_handler api_incident_list, api_incident_create, api_incident_get, api_incident_timeline,
	api_incident_acknowledge, api_incident_resolve, api_incident_reopen, api_incident_note,
	api_incident_priority, api_incident_escalate, api_incident_retitle, api_incident_undo;
/* api_update.c, api_maintenance.c, api_status.c */
api_handler api_update_list, api_update_create, api_update_check, api_update_draft, api_update_withdraw,
	api_update_edit, api_maintenance_list, api_maintenance_create, api_maintenance_get,
	api_maintenance_update, api_maintenance_move, api_maintenance_note, api_component_list,
	api_component_override, api_component_release, api_status_list, api_status_file;
/* api_alert.c */
api_handler api_alert_list, api_mute_list, api_mute_create, api_mute_delete, api_page_list;
/* api_report.c, api_outside.c */
api_handler api_report_list, api_report_create, api_report_inbox, api_report_get, api_report_accept,
	api_report_join, api_report_duplicate, api_report_answer, api_report_reject, api_report_undo,
	api_report_erase, api_incident_people, api_report_form, api_report_form_send,
	api_page_report_form, api_page_report_form_send, api_page_subscribe_form, api_page_subscribe_form_send,
	api_front_rate, api_report_link,
	api_report_link_press;
/* api_subscriber.c */
api_handler api_subscriber_list, api_subscriber_counts, api_subscriber_get, api_subscriber_create,
	api_subscriber_import, api_subscriber_update, api_subscriber_delete, api_subscriber_resume,
	api_subscriber_ask, api_subscribe_form, api_subscribe_form_send, api_subscriber_link,
	api_subscriber_link_press;
/* api_now.c */
api_handler api_now_get;
/* api_link.c */
api_handler api_link_show, api_link_acknowledge;
/* api_system.c */
api_handler api_healthz, api_readyz, api_openapi_get;

/* api_user.c, api_token.c, api_contact.c */
api_handler api_user_list, api_user_create, api_user_get, api_user_update, api_user_invite,
	api_user_reset_link, api_token_list, api_token_create, api_token_delete, api_contact_list,
	api_contact_create, api_contact_update, api_contact_delete, api_contact_test;
/* api_enqueue.c, api_integration.c */
api_handler api_enqueue, api_integration_test, api_integration_list, api_integration_create,
	api_integration_rotate, api_integration_delete, api_ways_in_get;
/* api_secret.c */
api_handler api_secret_list, api_secret_put, api_secret_delete;
/* api_oncall.c, api_calendar.c */
api_handler api_on_call_get, api_schedule_list, api_schedule_shifts, api_override_list,
	api_override_create, api_override_delete, api_schedule_calendar;
/* api_alertmanager.c */
api_handler api_alertmanager_post, api_alertmanager_alerts, api_alertmanager_status,
	api_alertmanager_healthy;
/* api_prometheus_*.c */
api_handler api_prometheus_query, api_prometheus_range, api_prometheus_series, api_prometheus_labels,
	api_prometheus_values, api_prometheus_metadata, api_prometheus_buildinfo, api_prometheus_flags,
	api_prometheus_runtimeinfo, api_prometheus_tsdb, api_prometheus_write, api_prometheus_targets;
/* api_own_metrics.c */
api_handler api_own_metrics, api_probe;
/* api_settings.c */
api_handler api_settings_get, api_settings_notifications, api_browser_page_ack;
/* api_journal.c */
api_handler api_journal_list, api_journal_proof, api_journal_checkpoint;
/* api_check.c, api_service.c, api_discovery.c */
api_handler api_check_list, api_check_test, api_check_get, api_check_series, api_check_results,
	api_check_run, api_beat, api_beat_explain, api_check_address, api_check_pause, api_check_resume, api_service_list, api_service_get,
	api_discovery_get, api_discovery_watch;
/* api_review.c, api_review_document.c, api_review_act.c, api_review_export.c, api_review_trends.c */
api_handler api_review_list, api_review_start, api_review_get, api_review_update, api_review_state,
	api_review_write, api_review_factor_create, api_review_factor_update, api_review_factor_delete,
	api_review_action_create, api_review_action_update, api_review_action_list, api_review_history,
	api_review_export, api_review_trends;
/* api_kinds.c, api_definition.c, api_apply.c */
api_handler api_kind_list, api_definition_list, api_definition_get, api_definition_put,
	api_definition_delete, api_apply, api_export;
