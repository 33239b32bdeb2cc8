/* api_table.c: the list of endpoints: reading it is reading the API. */
#include "api/api_handlers.h"

#define V "/api/v1"
#define NONE 0
#define SMALL (64u << 10)

const struct api_endpoint api_endpoints[] = {
	/* people on their way in */
	{ "GET", V "/session", "session_get", api_session_get, HTTP_QUEUE_READ, PERMISSION_READ, 0, NONE },
	{ "POST", V "/session", "session_create", api_session_create, HTTP_QUEUE_HEAVY, PERMISSION_READ,
	  API_PUBLIC | API_SECRET, SMALL },
	{ "DELETE", V "/session", "session_delete", api_session_delete, HTTP_QUEUE_ACT, PERMISSION_READ, 0,
	  SMALL },
	{ "POST", V "/session/link", "session_link", api_session_link, HTTP_QUEUE_ACT, PERMISSION_READ,
	  API_PUBLIC | API_NO_CSRF | API_SECRET, SMALL },
	{ "PUT", V "/session/password", "session_password", api_session_password, HTTP_QUEUE_HEAVY,
	  PERMISSION_READ, 0, SMALL },

	/* what is wrong */
	{ "GET", V "/now", "now_get", api_now_get, HTTP_QUEUE_READ, PERMISSION_READ, 0, NONE },
	{ "GET", V "/incidents", "incident_list", api_incident_list, HTTP_QUEUE_READ, PERMISSION_READ,
	  API_AS_OF, NONE },
	{ "POST", V "/incidents", "incident_create", api_incident_create, HTTP_QUEUE_ACT,
	  PERMISSION_RESPOND, 0, SMALL },
	{ "GET", V "/incidents/{id}", "incident_get", api_incident_get, HTTP_QUEUE_READ, PERMISSION_READ,
	  API_AS_OF, NONE },
	{ "GET", V "/incidents/{id}/timeline", "incident_timeline", api_incident_timeline,
	  HTTP_QUEUE_READ, PERMISSION_READ, API_AS_OF, NONE },
	{ "POST", V "/incidents/{id}/acknowledge", "incident_acknowledge", api_incident_acknowledge,
	  HTTP_QUEUE_ACT, PERMISSION_RESPOND, 0, SMALL },
	{ "POST", V "/incidents/{id}/resolve", "incident_resolve", api_incident_resolve, HTTP_QUEUE_ACT,
	  PERMISSION_RESPOND, 0, SMALL },
	{ "POST", V "/incidents/{id}/reopen", "incident_reopen", api_incident_reopen, HTTP_QUEUE_ACT,
	  PERMISSION_RESPOND, 0, SMALL },
	{ "POST", V "/incidents/{id}/note", "incident_note", api_incident_note, HTTP_QUEUE_ACT,
	  PERMISSION_RESPOND, 0, SMALL },
	{ "POST", V "/incidents/{id}/priority", "incident_priority", api_incident_priority,
	  HTTP_QUEUE_ACT, PERMISSION_RESPOND, 0, SMALL },
	{ "POST", V "/incidents/{id}/escalate", "incident_escalate", api_incident_escalate,
	  HTTP_QUEUE_ACT, PERMISSION_RESPOND, 0, SMALL },
	{ "POST", V "/incidents/{id}/retitle", "incident_retitle", api_incident_retitle, HTTP_QUEUE_ACT,
	  PERMISSION_RESPOND, 0, SMALL },
	{ "POST", V "/incidents/{id}/undo", "incident_undo", api_incident_undo, HTTP_QUEUE_ACT,
	  PERMISSION_RESPOND, 0, SMALL },
	{ "GET", V "/pages", "page_list", api_page_list, HTTP_QUEUE_READ, PERMISSION_READ, API_AS_OF, NONE },
	{ "GET", V "/alerts", "alert_list", api_alert_list, HTTP_QUEUE_READ, PERMISSION_READ, API_AS_OF,
	  NONE },
	{ "GET", V "/mutes", "mute_list", api_mute_list, HTTP_QUEUE_READ, PERMISSION_READ, API_AS_OF, NONE },
	{ "POST", V "/mutes", "mute_create", api_mute_create, HTTP_QUEUE_ACT, PERMISSION_RESPOND, 0, SMALL },
	{ "DELETE", V "/mutes/{id}", "mute_delete", api_mute_delete, HTTP_QUEUE_ACT, PERMISSION_RESPOND, 0,
	  SMALL },
	{ "GET", "/l/{token}", "link_show", api_link_show, HTTP_QUEUE_READ, PERMISSION_READ,
	  API_PUBLIC | API_HTML, NONE },
	{ "POST", "/l/{token}", "link_acknowledge", api_link_acknowledge, HTTP_QUEUE_ACT, PERMISSION_READ,
	  API_PUBLIC | API_HTML | API_NO_CSRF, SMALL },

	/* the system */
	{ "GET", V "/events", "event_stream", NULL, HTTP_QUEUE_READ, PERMISSION_READ, 0, NONE },
	{ "GET", V "/openapi.yaml", "openapi_get", api_openapi_get, HTTP_QUEUE_READ, PERMISSION_READ,
	  API_PUBLIC, NONE },
	{ "GET", "/healthz", "healthz", api_healthz, HTTP_QUEUE_READ, PERMISSION_READ, API_PUBLIC, NONE },
	{ "GET", "/readyz", "readyz", api_readyz, HTTP_QUEUE_READ, PERMISSION_READ, API_PUBLIC, NONE },
	{ 0 },
};
