/* catalog_service.c: the kind Service. See catalog.h. */
#include "catalog/catalog.h"

static const char *const levels[] = { "high", "medium", "low", NULL };

static const struct spec_field link_fields[] = {
	{ .name = "title", .type = SPEC_TEXT, .flags = SPEC_REQUIRED, .min = 1, .max = 100,
	  .about = "What people read." },
	{ .name = "url", .type = SPEC_URL, .flags = SPEC_REQUIRED, .about = "Where it leads." },
	{ .name = NULL },
};
static const struct spec_field link = { .name = "link", .type = SPEC_OBJECT, .fields = link_fields,
					.about = "A place worth knowing." };
static const struct spec_field dependency = { .name = "service", .type = SPEC_NAME,
					      .refers = CATALOG_SERVICE,
					      .about = "The name of another service." };

const struct spec_field catalog_service_spec[] = {
	{ .name = "display", .type = SPEC_TEXT, .min = 1, .max = 100,
	  .about = "What people call it; its name when absent." },
	{ .name = "about", .type = SPEC_TEXT, .max = 2000, .about = "What it is for, in a few sentences." },
	{ .name = "tier", .type = SPEC_INT, .min = 1, .max = 4, .otherwise = "3",
	  .about = "How much it matters: 1 the most, 4 the least." },
	{ .name = "team", .type = SPEC_NAME, .refers = "Team", .about = "The team that answers for it." },
	{ .name = "escalation_policy", .type = SPEC_NAME, .refers = "EscalationPolicy",
	  .about = "Who is paged when it breaks; the policy \"default\" when absent." },
	{ .name = "impact", .type = SPEC_CHOICE, .choices = levels,
	  .about = "How much breaks for others when it breaks; from the tier when absent." },
	{ .name = "customers", .type = SPEC_BOOL, .otherwise = "false",
	  .about = "Whether customers use it directly." },
	{ .name = "depends_on", .type = SPEC_LIST, .flags = SPEC_UNIQUE, .item = &dependency, .max = 200,
	  .about = "The services it cannot work without." },
	{ .name = "links", .type = SPEC_LIST, .item = &link, .max = 50,
	  .about = "Dashboards, repositories, documents." },
	{ .name = NULL },
};

static void impact_of(struct catalog_service *service, const struct doc_node *spec,
		      struct arena *arena)
{
	struct str declared = doc_text(doc_get(spec, "impact"), "");
	if (declared.len > 0) {
		service->impact = declared;
		service->impact_reason = arena_printf(arena, "service \"" STR_FMT "\" says so",
						      STR_ARG(service->name));
		return;
	}
	service->impact = service->tier == 1 ? STR("high")
			: service->tier == 2 ? STR("medium") : STR("low");
	service->impact_reason = arena_printf(arena, "service \"" STR_FMT "\" is of tier %d",
					      STR_ARG(service->name), service->tier);
}

enum err catalog_service_get(struct store_conn *conn, struct str name, struct arena *arena,
			     struct catalog_service *ret_service, struct error *err)
{
	const struct doc_node *spec;
	enum err r = definition_spec(conn, CATALOG_SERVICE, name, arena, &spec, err);
	if (r != OK)
		return r;
	struct catalog_service service = { .known = spec != NULL, .name = name, .tier = 3 };
	service.display = doc_text(doc_get(spec, "display"), "");
	if (service.display.len == 0)
		service.display = name;
	service.tier = (int)doc_int(doc_get(spec, "tier"), 3);
	service.team = doc_text(doc_get(spec, "team"), "");
	service.policy = doc_text(doc_get(spec, "escalation_policy"), "");
	service.customers = doc_bool(doc_get(spec, "customers"), false);
	if (service.known) {
		impact_of(&service, spec, arena);
	} else {
		service.impact = STR("medium");
		service.impact_reason = name.len > 0 ? STR("the service is not in the catalog")
						     : STR("no service is named");
	}
	*ret_service = service;
	return OK;
}
