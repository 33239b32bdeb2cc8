/*
 * markdown.h: Markdown that anybody may have written, as HTML that is safe to show.
 *
 * cmark-gfm reads (CommonMark, with tables and strikethrough), and we write, so that what may come out
 * stands in one short list of ours. Promises, for every input:
 *
 *   - only tags of a short list, attributes only from us; raw HTML in the text is shown as text
 *   - a link goes to http, https or mailto, or within the site; any other stays plain text
 *   - an image becomes a link to it: nothing is loaded from elsewhere when a page is opened
 *   - headings begin at the level the page asks for, so that its outline holds
 *   - input and output have limits, nesting too
 *
 * Owns: nothing. Runs on: any thread.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"

#define MARKDOWN_BYTES_MAX (64u << 10) /* of the text; longer is ERR_TOO_LARGE */
#define MARKDOWN_DEPTH_MAX 32u         /* of blocks and spans in one another; deeper is ERR_TOO_LARGE */

/* heading: what "# title" becomes, 1..6. Appends to `out`, which is cut back on failure. */
enum err markdown_html(struct str text, unsigned heading, struct buf *out, struct error *err);

/* The same text without any mark-up, for mails, titles and feeds; links keep their address in brackets. */
enum err markdown_plain(struct str text, struct buf *out, struct error *err);
