/* test_monitor_discovery.c: made-up /proc texts, this machine's own sockets, and a real nginx. */
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/mem.h"
#include "monitor/monitor_discovery.h"
#include "monitor/monitor_probe.h"
#include "monitor/monitor_spec.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/loop.h"
#include "wire/doc_json.h"
#include "wire/test_peer.h"

#define NGINX "/usr/sbin/nginx"

TEST(a_line_of_the_kernel_is_read)
{
	struct discovered item;
	char text[ADDRESS_TEXT_BYTES];
	CHECK(discovery_parse_line(STR("   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 "
	                               "00000000  1000        0 12345 1 0000000000000000 100 0 0 10 0"),
	                           false, &item));
	address_format(&item.address, text);
	CHECK_TEXT(text, "127.0.0.1");
	CHECK_INT(item.port, 8080);
	CHECK_INT(item.inode, 12345);
	CHECK(discovery_parse_line(STR("   0: 00000000000000000000000001000000:0050 "
	                               "00000000000000000000000000000000:0000 0A 00000000:00000000 "
	                               "00:00000000 00000000     0        0 77 1 0 100 0 0 10 0"),
	                           true, &item));
	address_format(&item.address, text);
	CHECK_TEXT(text, "::1");
	CHECK_INT(item.port, 80);
	CHECK(discovery_parse_line(STR("   0: 0000000000000000FFFF00000100007F:0050 "
	                               "00000000000000000000000000000000:0000 0A 00000000:00000000 "
	                               "00:00000000 00000000     0        0 77 1 0 100 0 0 10 0"),
	                           true, &item));
	address_format(&item.address, text);
	CHECK_TEXT(text, "127.0.0.1");
}

TEST(lines_that_do_not_listen_or_are_damaged_are_passed_over)
{
	static const char *const bad[] = {
		"", "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid",
		"   0: 0100007F:1F90 0100007F:0000 01 00000000:00000000 00:00000000 00000000  1000 0 12345 1",
		"   0: 0100007F:0000 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000 0 12345 1",
		"   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000 0 0 1",
		"   0: 010007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000 0 12345 1",
		"   0: 0100007G:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000 0 12345 1",
		"   0: 0100007F:1F90 00000000:0000 0A",
	};
	struct discovered item;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		if (discovery_parse_line(str_of(bad[i]), false, &item))
			fail_msg("\"%s\": wanted to pass it over", bad[i]);
}

static void check_mask(struct str arguments, const char *wanted)
{
	char text[256];
	discovery_mask(arguments, text, sizeof text);
	CHECK_TEXT(text, wanted);
}

TEST(secrets_of_command_lines_are_masked)
{
	check_mask(STR("nginx: master process nginx -c /etc/nginx.conf\0"),
	           "nginx: master process nginx -c /etc/nginx.conf");
	check_mask(STR("app\0--password=hunter2\0--port\0" "80\0"), "app --password=*** --port 80");
	check_mask(STR("app\0--api-token\0abc\0-v\0"), "app --api-token *** -v");
	check_mask(STR("app\0--db\0postgres://u:p@h/d\0"), "app --db postgres://***@h/d");
	check_mask(STR("app\0--db=postgres://u:p@h/d\0"), "app --db=postgres://***@h/d");
	check_mask(STR("mysql\0-phunter2\0-p8080\0"), "mysql -p*** -p8080");
	check_mask(STR("curl\0-H\0Authorization: Bearer abc\0"), "curl -H ***");
	check_mask(STR("env\0DB_SECRET=abc\0"), "env DB_SECRET=***");
	check_mask(STR("java\0-Ddb.Password=abc\0"), "java -Ddb.Password=***");
	check_mask(STR("x\0a\nb\0"), "x a?b");
	check_mask(STR(""), "");
}

static struct str json_of(const struct discovered *item, struct buf *buf)
{
	struct json_writer json;
	buf_reset(buf);
	json_init(&json, buf);
	discovery_write_open(item, &json);
	json_map_end(&json);
	json_finish(&json);
	return buf_str(buf);
}

/* Every suggestion must be a definition that is accepted, and its check must be one that can run. */
static void check_suggestion(const struct discovered *item, const char *name_wanted,
                             const char *target_wanted)
{
	struct arena arena;
	struct error err;
	struct spec_errors errors;
	const struct doc_node *doc, *full = NULL;
	struct check_spec spec;
	char target[256];
	cleanup_buf struct buf buf;
	buf_init(&buf, 8192);
	arena_init(&arena, 0);
	CHECK_OK(doc_json_parse(json_of(item, &buf), &arena, DOC_LIMITS_DEFAULT, NULL, &doc, &err));
	const struct doc_node *check = doc_at(doc_get(doc_get(doc, "suggested"), "checks"), 0);
	struct str name = doc_text(doc_get(check, "name"), "");
	CHECK(str_is_name(name));
	CHECK_STR(name, name_wanted);
	spec_errors_init(&errors, &arena, NULL);
	spec_check(monitor_check_fields, monitor_check_rule, doc_get(check, "spec"), &arena, &errors, &full,
	           NULL);
	CHECK_INT(errors.count, 0);
	CHECK_OK(monitor_spec_read(name, full, &spec, &err));
	monitor_spec_target(&spec, target, sizeof target);
	CHECK_TEXT(target, target_wanted);
	monitor_spec_finish(&spec);
	arena_finish(&arena);
}

TEST(each_suggestion_is_a_check_that_is_accepted)
{
	struct discovered item = { .port = 9090, .process = "prometheus", .pid = 5,
	                           .protocol = DISCOVERY_HTTP };
	item.known = discovery_known(item.process);
	check_suggestion(&item, "prometheus-9090", "http://127.0.0.1:9090/-/healthy");
	item = (struct discovered){ .port = 6379, .process = "redis-server", .protocol = DISCOVERY_TCP };
	item.known = discovery_known(item.process);
	CHECK(address_parse(STR("10.1.2.3"), &item.address));
	check_suggestion(&item, "redis-6379", "10.1.2.3:6379");
	item = (struct discovered){ .port = 8443, .process = "My App_2", .protocol = DISCOVERY_HTTPS,
	                            .address.v6 = true };
	check_suggestion(&item, "my-app-2-8443", "https://[::1]:8443/");
	item = (struct discovered){ .port = 993, .process = "", .protocol = DISCOVERY_TLS };
	check_suggestion(&item, "port-993", "127.0.0.1:993");
	item = (struct discovered){ .port = 80, .process = "web", .protocol = DISCOVERY_HTTP, .status = 401 };
	check_suggestion(&item, "web-80", "http://127.0.0.1:80/");
	cleanup_buf struct buf buf;
	buf_init(&buf, 4096);
	json_of(&item, &buf);
	CHECK(strstr(buf.bytes, "\"status\":\"200-399,401\"") != NULL);
}

/* ---- this machine ---- */

struct lab {
	struct loop *loop;
	struct clock clock;
	struct resolve *resolve;
	struct trust *trust;
	struct egress_policy policy;
	struct probe_tools tools;
	struct discovery *discovery;
	unsigned calls;
};

static void lab_start(struct lab *lab)
{
	struct error err;
	*lab = (struct lab){ .loop = loop_create(), .policy = egress_policy_checks() };
	clock_system(&lab->clock);
	CHECK_OK(resolve_create(lab->loop, NULL, &lab->resolve, &err));
	CHECK_OK(trust_create(NULL, &lab->trust, &err));
	lab->tools = (struct probe_tools){ .loop = lab->loop, .clock = &lab->clock,
	                                   .resolve = lab->resolve, .trust = lab->trust,
	                                   .policy = &lab->policy };
	lab->discovery = mem_alloc(sizeof *lab->discovery);
}

static void lab_stop(struct lab *lab)
{
	mem_free(lab->discovery);
	trust_destroy(&lab->trust);
	resolve_destroy(&lab->resolve);
	loop_destroy(&lab->loop);
}

static void on_probed(void *context, struct discovery *discovery)
{
	struct lab *lab = context;
	CHECK(discovery == lab->discovery);
	lab->calls++;
	loop_stop(lab->loop);
}

static struct discovered *find_port(struct discovery *discovery, uint16_t port)
{
	for (unsigned i = 0; i < discovery->count; i++)
		if (discovery->items[i].port == port)
			return &discovery->items[i];
	fail_msg("port %u: wanted it among what was found", port);
	return NULL;
}

/* Scans, keeps only these ports (the rest of the machine is none of a test's business), and asks. */
static void scan_and_ask(struct lab *lab, const uint16_t *ports, unsigned count)
{
	struct error err;
	CHECK_OK(discovery_scan("/proc", lab->discovery, &err));
	unsigned kept = 0;
	for (unsigned i = 0; i < lab->discovery->count; i++)
		for (unsigned k = 0; k < count; k++)
			if (lab->discovery->items[i].port == ports[k])
				lab->discovery->items[kept++] = lab->discovery->items[i];
	lab->discovery->count = kept;
	CHECK_INT(kept, count);
	lab->calls = 0;
	discovery_probe(&lab->tools, lab->discovery, on_probed, lab);
	CHECK(loop_run_for(lab->loop, 20 * TIME_SECOND));
	CHECK_INT(lab->calls, 1);
}

static char *answer_page(void *context, const char *request)
{
	unsigned *asked = context;
	(*asked)++;
	return mem_strdup(request == NULL ? "220 mail.example ESMTP\r\n"
	                                  : "HTTP/1.1 302 Found\r\nLocation: /x\r\n\r\n");
}

TEST(our_own_sockets_are_found_with_process_and_protocol)
{
	struct lab lab;
	lab_start(&lab);
	struct peer_ca ca;
	unsigned asked[3] = { 0 };
	time_us now = clock_wall(&lab.clock);
	peer_ca_create(&ca, now);
	struct peer web = { .fd = -1 }, mail = { .greets = true }, secure = { .fd = -1 };
	peer_certify(&secure, &ca, "localhost", now - TIME_DAY, now + TIME_DAY);
	peer_start(&web, answer_page, &asked[0]);
	peer_start(&mail, answer_page, &asked[1]);
	peer_start(&secure, answer_page, &asked[2]);
	uint16_t ports[] = { web.port, mail.port, secure.port };
	scan_and_ask(&lab, ports, 3);
	struct discovered *item = find_port(lab.discovery, web.port);
	CHECK_INT(item->pid, getpid());
	CHECK(str_starts(str_of(item->process), STR("test_monitor_di")));
	CHECK(strstr(item->command, "test_monitor_discovery") != NULL);
	CHECK_INT(item->protocol, DISCOVERY_HTTP);
	CHECK_INT(item->status, 302);
	CHECK_INT(asked[0], 1);
	CHECK_INT(find_port(lab.discovery, mail.port)->protocol, DISCOVERY_TCP);
	CHECK_INT(find_port(lab.discovery, secure.port)->protocol, DISCOVERY_TLS);
	peer_stop(&web);
	peer_stop(&mail);
	peer_stop(&secure);
	peer_ca_destroy(&ca);
	lab_stop(&lab);
}

TEST(what_is_known_not_to_speak_http_is_never_spoken_to)
{
	struct lab lab;
	unsigned asked = 0;
	struct error err;
	lab_start(&lab);
	struct peer peer = { .fd = -1 };
	peer_start(&peer, answer_page, &asked);
	CHECK_OK(discovery_scan("/proc", lab.discovery, &err));
	lab.discovery->items[0] = *find_port(lab.discovery, peer.port);
	lab.discovery->count = 1;
	lab.discovery->items[0].known = discovery_known("postgres");
	discovery_probe(&lab.tools, lab.discovery, on_probed, &lab);
	CHECK(loop_run_for(lab.loop, 20 * TIME_SECOND));
	CHECK_INT(asked, 0);
	peer_stop(&peer);
	lab_stop(&lab);
}

TEST(a_machine_without_proc_is_an_error_and_not_an_empty_list)
{
	struct discovery *discovery = mem_alloc(sizeof *discovery);
	struct error err;
	CHECK_ERR(discovery_scan("/nonexistent", discovery, &err), ERR_NOT_FOUND);
	mem_free(discovery);
}

/* A port that is free now. Somebody may take it before nginx does: then nginx says so and fails. */
static uint16_t free_port(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof at;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CHECK_INT(bind(fd, (struct sockaddr *)&at, size), 0);
	getsockname(fd, (struct sockaddr *)&at, &size);
	close(fd);
	return ntohs(at.sin_port);
}

static pid_t start_nginx(const char *folder, uint16_t port)
{
	char path[128], config[1024];
	struct error err;
	snprintf(path, sizeof path, "%s/nginx.conf", folder);
	int length = snprintf(config, sizeof config,
		"daemon off; pid %s/pid; error_log %s/error.log; events { worker_connections 64; }\n"
		"http { access_log off; client_body_temp_path %s/b; proxy_temp_path %s/p;\n"
		"fastcgi_temp_path %s/f; uwsgi_temp_path %s/u; scgi_temp_path %s/s;\n"
		"server { listen 127.0.0.1:%u; location / { return 200 'fine'; } } }\n",
		folder, folder, folder, folder, folder, folder, folder, port);
	CHECK_OK(file_write(path, (struct str){ config, (size_t)length }, 0600, &err));
	pid_t pid = fork();
	if (pid == 0) {
		execl(NGINX, "nginx", "-e", "/dev/null", "-c", path, (char *)NULL);
		_exit(127);
	}
	return pid;
}

static bool listens(uint16_t port)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	                          .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool connected = connect(fd, (struct sockaddr *)&at, sizeof at) == 0;
	close(fd);
	return connected;
}

static void remove_nginx(const char *folder)
{
	static const char *const names[] = { "nginx.conf", "pid", "error.log", "b", "p", "f", "u", "s" };
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		char path[128];
		snprintf(path, sizeof path, "%s/%s", folder, names[i]);
		if (unlink(path) != 0)
			rmdir(path);
	}
	CHECK_INT(rmdir(folder), 0);
}

TEST(a_real_nginx_is_recognised_and_its_suggestion_fits)
{
	if (access(NGINX, X_OK) != 0) {
		print_message("skipped: nginx is not installed\n");
		skip();
	}
	char folder[] = "/tmp/test_discovery.XXXXXX", target[64], name[64];
	CHECK(mkdtemp(folder) != NULL);
	struct lab lab;
	lab_start(&lab);
	uint16_t port = free_port();
	pid_t pid = start_nginx(folder, port);
	for (int i = 0; i < 300 && !listens(port); i++)
		usleep(10000);
	scan_and_ask(&lab, &port, 1);
	struct discovered *item = find_port(lab.discovery, port);
	CHECK_TEXT(item->process, "nginx");
	CHECK_TEXT(discovery_guess(item), "nginx");
	CHECK_INT(item->pid, pid);
	CHECK_INT(item->status, 200);
	CHECK_INT(item->protocol, DISCOVERY_HTTP);
	snprintf(name, sizeof name, "nginx-%u", port);
	snprintf(target, sizeof target, "http://127.0.0.1:%u/", port);
	check_suggestion(item, name, target);
	kill(pid, SIGTERM);
	waitpid(pid, NULL, 0);
	remove_nginx(folder);
	lab_stop(&lab);
}

TESTS(RUN(a_line_of_the_kernel_is_read),
      RUN(lines_that_do_not_listen_or_are_damaged_are_passed_over),
      RUN(secrets_of_command_lines_are_masked), RUN(each_suggestion_is_a_check_that_is_accepted),
      RUN(our_own_sockets_are_found_with_process_and_protocol),
      RUN(what_is_known_not_to_speak_http_is_never_spoken_to),
      RUN(a_machine_without_proc_is_an_error_and_not_an_empty_list),
      RUN(a_real_nginx_is_recognised_and_its_suggestion_fits))
