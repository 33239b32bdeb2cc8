/*
 * comms_report_mail.h: what the sender of a report is written. Each text is fixed but for our own answer:
 * what somebody typed into a form is never mailed to the address they typed beside it.
 *
 * From decisions: queued in the same transaction. Followers (comms_report.h, report_after_*) use the same texts.
 */
#pragma once

#include "comms/comms_report_priv.h"

void report_mail_confirm(struct decision *d, const struct report_private *to);
void report_mail_answer(struct decision *d, const struct report_private *to, const struct report *report);
void report_mail_fixed(struct decision *d, const struct report_private *to, const struct report *report);
void report_mail_drop(struct decision *d, int64_t report);
