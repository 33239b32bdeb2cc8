/*
 * wiring.c: which function answers to which event.
 *
 *     applies  the only code that changes a room's tables; exactly what a rebuild runs
 *     NOW      runs in the same transaction: only the path that ends in a page
 *     AFTER    followers with a durable cursor: everything that may be late
 *     timers   what happens when a durable timer is due
 *
 * To add a row: write the function in its room, declare it in the room's header, add the row here.
 */
#include "main/wiring.h"

#include <assert.h>

#include "alert/alert.h"
#include "alert/alert_integration.h"
#include "api/api.h"
#include "comms/comms_maintenance.h"
#include "comms/comms.h"
#include "comms/comms_report.h"
#include "comms/comms_subscriber.h"
#include "guard/guard.h"
#include "incident/incident.h"
#include "journal/copies.h"
#include "journal/journal.h"
#include "monitor/monitor.h"
#include "notify/notify.h"
#include "oncall/paging.h"
#include "resource/definition.h"
#include "review/review.h"

static const struct wire_apply applies[] = {
	{ EVENT_CLOCK_STEPPED, journal_apply_clock_stepped },
	{ EVENT_TIMER_PARKED, journal_apply_timer_parked },
	{ EVENT_BACKUP_MADE, journal_apply_backup_made },

	{ EVENT_DEFINITION_PUT, definition_apply_put },
	{ EVENT_DEFINITION_DELETED, definition_apply_deleted },

	{ EVENT_DEFINITION_PUT, guard_apply_definition_put },
	{ EVENT_DEFINITION_DELETED, guard_apply_definition_deleted },
	{ EVENT_USER_CREATED, guard_apply_user_created },
	{ EVENT_USER_CHANGED, guard_apply_user_changed },
	{ EVENT_USER_PROFILE_CHANGED, guard_apply_user_profile_changed },
	{ EVENT_USER_PASSWORD_SET, guard_apply_user_password_set },
	{ EVENT_TOKEN_CREATED, guard_apply_token_created },
	{ EVENT_TOKEN_REVOKED, guard_apply_token_revoked },
	{ EVENT_AUDIT_OPENED, guard_apply_audit_opened },

	{ EVENT_CHECK_CHANGED, monitor_apply_changed },
	{ EVENT_CHECK_PAUSED, monitor_apply_paused },
	{ EVENT_CHECK_RESUMED, monitor_apply_resumed },

	{ EVENT_ALERT_BATCH, alert_apply_batch },
	{ EVENT_INCIDENT_ALERT_JOINED, alert_apply_joined },
	{ EVENT_INCIDENT_ALERTS_JOINED, alert_apply_joined_many },
	{ EVENT_INTEGRATION_MADE, alert_apply_integration_made },
	{ EVENT_INTEGRATION_REVOKED, alert_apply_integration_revoked },
	{ EVENT_MUTE_STARTED, alert_apply_mute_started },
	{ EVENT_MUTE_ENDED, alert_apply_mute_ended },

	{ EVENT_INCIDENT_OPENED, incident_apply_opened },
	{ EVENT_INCIDENT_ALERT_JOINED, incident_apply_alert_joined },
	{ EVENT_INCIDENT_ALERT_ENDED, incident_apply_alert_ended },
	{ EVENT_INCIDENT_ALERTS_JOINED, incident_apply_alerts_joined },
	{ EVENT_INCIDENT_ALERTS_ENDED, incident_apply_alerts_ended },
	{ EVENT_INCIDENT_ACKNOWLEDGED, incident_apply_acknowledged },
	{ EVENT_INCIDENT_ACK_LAPSED, incident_apply_ack_lapsed },
	{ EVENT_INCIDENT_RESOLVED, incident_apply_resolved },
	{ EVENT_INCIDENT_REOPENED, incident_apply_reopened },
	{ EVENT_INCIDENT_PRIORITY_SET, incident_apply_priority_set },
	{ EVENT_INCIDENT_RETITLED, incident_apply_retitled },
	{ EVENT_INCIDENT_UNDONE, incident_apply_undone },

	{ EVENT_INCIDENT_OPENED, paging_apply_opened },
	{ EVENT_INCIDENT_ACKNOWLEDGED, paging_apply_acknowledged },
	{ EVENT_INCIDENT_RETITLED, paging_apply_retitled },
	{ EVENT_INCIDENT_PRIORITY_SET, paging_apply_priority_set },
	{ EVENT_ESCALATION_MOVED, paging_apply_moved },
	{ EVENT_CONTACT_PUT, paging_apply_contact_put },
	{ EVENT_CONTACT_REMOVED, paging_apply_contact_removed },
	{ EVENT_OVERRIDE_PUT, paging_apply_override_put },
	{ EVENT_OVERRIDE_CANCELLED, paging_apply_override_cancelled },

	/* telling people */
	{ EVENT_UPDATE_POSTED, comms_apply_posted },
	{ EVENT_UPDATE_PUBLISHED, comms_apply_published },
	{ EVENT_UPDATE_WITHDRAWN, comms_apply_withdrawn },
	{ EVENT_UPDATE_EDITED, comms_apply_edited },
	{ EVENT_RATING_GIVEN, comms_apply_rated },
	{ EVENT_UPDATE_PLANNED, comms_apply_planned },
	{ EVENT_UPDATE_REMINDED, comms_apply_reminded },
	{ EVENT_INCIDENT_OPENED, comms_apply_incident_opened },
	{ EVENT_INCIDENT_PRIORITY_SET, comms_apply_incident_priority_set },
	{ EVENT_INCIDENT_RESOLVED, comms_apply_incident_resolved },
	{ EVENT_INCIDENT_REOPENED, comms_apply_incident_reopened },
	{ EVENT_INCIDENT_UNDONE, comms_apply_incident_undone },

	/* who is told of planned work looks at what it was before */
	{ EVENT_MAINTENANCE_PUT, subscriber_apply_work_put },
	{ EVENT_MAINTENANCE_MOVED, subscriber_apply_work_moved },
	{ EVENT_MAINTENANCE_NOTED, subscriber_apply_work_noted },
	{ EVENT_MAINTENANCE_REMINDED, subscriber_apply_work_reminded },
	{ EVENT_MAINTENANCE_PUT, comms_apply_maintenance_put },
	{ EVENT_MAINTENANCE_MOVED, comms_apply_maintenance_moved },
	{ EVENT_MAINTENANCE_NOTED, comms_apply_maintenance_noted },
	{ EVENT_MAINTENANCE_REMINDED, comms_apply_maintenance_reminded },
	{ EVENT_COMPONENT_OVERRIDDEN, comms_apply_overridden },
	{ EVENT_COMPONENT_RELEASED, comms_apply_released },

	{ EVENT_PAGE_CREATED, notify_apply_created },
	{ EVENT_PAGE_ATTEMPTED, notify_apply_attempted },
	{ EVENT_PAGE_CANCELLED, notify_apply_cancelled },

	{ EVENT_REVIEW_DRAFTED, review_apply_drafted },
	{ EVENT_REVIEW_WITHDRAWN, review_apply_withdrawn },
	{ EVENT_REVIEW_ASSIGNED, review_apply_assigned },
	{ EVENT_REVIEW_TEXT_SET, review_apply_text_set },
	{ EVENT_REVIEW_FACTOR_PUT, review_apply_factor_put },
	{ EVENT_REVIEW_FACTOR_REMOVED, review_apply_factor_removed },
	{ EVENT_REVIEW_ACTION_PUT, review_apply_action_put },
	{ EVENT_REVIEW_STATE_SET, review_apply_state_set },
	{ EVENT_REVIEW_WAIVED, review_apply_waived },
	{ EVENT_REVIEW_REMINDED, review_apply_reminded },

	{ EVENT_REPORT_RECEIVED, report_apply_received },
	{ EVENT_REPORT_CONFIRMED, report_apply_confirmed },
	{ EVENT_REPORT_TRIAGED, report_apply_triaged },
	{ EVENT_REPORT_UNDONE, report_apply_undone },
	{ EVENT_REPORT_SURGED, report_apply_surged },
	{ EVENT_REPORT_VERDICT, report_apply_verdict },
	{ EVENT_REPORT_ERASED, report_apply_erased },

	{ EVENT_SUBSCRIBER_ADDED, subscriber_apply_added },
	{ EVENT_SUBSCRIBER_CONFIRMED, subscriber_apply_confirmed },
	{ EVENT_SUBSCRIBER_CHANGED, subscriber_apply_changed },
	{ EVENT_SUBSCRIBER_REFUSED, subscriber_apply_refused },
	{ EVENT_SUBSCRIBER_RESUMED, subscriber_apply_resumed },
	{ EVENT_SUBSCRIBER_REMOVED, subscriber_apply_removed },
	{ EVENT_SUBSCRIBER_TOLD, subscriber_apply_told },
	{ EVENT_UPDATE_PUBLISHED, subscriber_apply_published },
	{ EVENT_SUBSCRIBER_NOTIFIED, subscriber_apply_notified },
	{ 0 },
};

#define NOW(kind, function) { kind, #function, function }

static const struct wire_now nows[] = {
	/* a check breaks -> alert -> incident -> page */
	NOW(EVENT_CHECK_CHANGED, alert_from_check),
	NOW(EVENT_ALERT_BATCH, incident_from_alerts),
	NOW(EVENT_INCIDENT_ALERT_ENDED, incident_after_alert_ended),
	NOW(EVENT_INCIDENT_ALERTS_ENDED, incident_after_alerts_ended),
	NOW(EVENT_INCIDENT_OPENED, paging_on_opened),
	NOW(EVENT_INCIDENT_ACKNOWLEDGED, paging_on_acknowledged),
	NOW(EVENT_INCIDENT_RESOLVED, paging_on_resolved),
	NOW(EVENT_INCIDENT_REOPENED, paging_on_reopened),
	NOW(EVENT_INCIDENT_PRIORITY_SET, paging_on_priority_set),
	NOW(EVENT_INCIDENT_UNDONE, paging_on_undone),
	NOW(EVENT_ESCALATION_REQUESTED, paging_on_requested),
	NOW(EVENT_ESCALATION_MOVED, incident_after_escalation),
	NOW(EVENT_PAGE_ATTEMPTED, paging_on_attempted),

	/* what holds pages back, and what lets them go */
	NOW(EVENT_MUTE_ENDED, alert_after_mute),
	NOW(EVENT_CHECK_PAUSED, alert_after_pause),
	NOW(EVENT_DEFINITION_DELETED, monitor_on_deleted),
	NOW(EVENT_INTEGRATION_REVOKED, alert_on_integration_revoked),

	/* what waits for a span of time, when the wall jumps */
	NOW(EVENT_CLOCK_STEPPED, notify_on_clock_stepped),

	/* people */
	NOW(EVENT_USER_CREATED, paging_on_user_created),
	NOW(EVENT_PAGE_TESTED, paging_on_tested),

	/* people outside: where a manager said so, several reports open an incident */
	NOW(EVENT_REPORT_RECEIVED, report_on_received),
	NOW(EVENT_REPORT_VERDICT, report_on_verdict),
	NOW(EVENT_MAIL_REFUSED, subscriber_on_refused),
	{ 0 },
};

static const struct wire_after afters[] = {
	/* an incident ends, or goes on after all: its review */
	{ EVENT_INCIDENT_RESOLVED, "review", NULL, review_after_incident },
	{ EVENT_INCIDENT_REOPENED, "review", NULL, review_after_incident },
	{ EVENT_INCIDENT_UNDONE, "review", NULL, review_after_incident },
	{ EVENT_INCIDENT_PRIORITY_SET, "review", NULL, review_after_incident },
	{ EVENT_INCIDENT_NOTED, "review", NULL, review_after_incident },

	/* who reported a problem is told what became of it */
	{ EVENT_REPORT_TRIAGED, "report_mail", report_after_triaged },
	{ EVENT_REPORT_UNDONE, "report_mail", report_after_undone },
	{ EVENT_INCIDENT_RESOLVED, "report_mail", report_after_resolved },
	{ EVENT_INCIDENT_REOPENED, "report_mail", report_after_reopened },
	{ EVENT_INCIDENT_UNDONE, "report_mail", report_after_reopened },
	{ 0 },
};

static const struct wire_timer timers[] = {
	{ PAGING_TIMER, paging_due },
	{ ALERT_MUTE_TIMER, alert_mute_due },
	{ REVIEW_TIMER, review_due },
	{ REVIEW_ACTION_TIMER, review_action_due },
	{ COMMS_PUBLISH_TIMER, comms_publish_due },
	{ COMMS_PLAN_TIMER, comms_plan_due },
	{ COMMS_WATCH_TIMER, comms_watch_due },
	{ COMMS_MAINTENANCE_TIMER, comms_maintenance_due },
	{ COMMS_NOTICE_TIMER, comms_notice_due },
	{ COMMS_RELEASE_TIMER, comms_release_due },
	{ REPORT_KEEP_TIMER, report_keep_due },
	{ REPORT_CONFIRM_TIMER, report_confirm_due },
	{ SUBSCRIBER_MAIL_TIMER, subscriber_mail_due },
	{ SUBSCRIBER_CONFIRM_TIMER, subscriber_confirm_due },
	{ SUBSCRIBER_WORK_TIMER, subscriber_work_due },
	{ 0 },
};

#define TABLES_MAX 128
static const struct store_table *const *const rooms[] = {
	journal_tables, guard_tables,  definition_tables, notify_tables, monitor_tables,
	alert_tables,	paging_tables, incident_tables,	  comms_update_tables, comms_maintenance_tables,
	review_tables,	report_tables, subscriber_tables, api_tables,
};
static const struct store_table *tables[TABLES_MAX + 1];

/* One list of all rooms' tables, before main begins: C has no way to write it down. */
__attribute__((constructor)) static void list_tables(void)
{
	size_t count = 0;
	for (size_t room = 0; room < sizeof rooms / sizeof rooms[0]; room++) {
		for (size_t i = 0; rooms[room][i] != NULL; i++) {
			assert(count < TABLES_MAX);
			tables[count++] = rooms[room][i];
		}
	}
}

const struct wiring wiring = { tables, applies, nows, afters, timers };
