/* SPDX-License-Identifier: MIT */
/* The tables of fetches and converters, each at the end of the file of its name. */
#ifndef WEIR_RULE_TABLES_H
#define WEIR_RULE_TABLES_H

#include "rule_int.h"

extern const struct fetch_row fetch_state_rows[];
extern const struct fetch_row fetch_proxy_rows[];
extern const struct fetch_row fetch_conn_rows[];
extern const struct fetch_row fetch_http_rows[];
extern const struct fetch_row fetch_hdr_rows[];
extern const struct fetch_row fetch_cookie_rows[];
extern const struct fetch_row fetch_buf_rows[];
extern const struct fetch_row fetch_log_rows[];
extern const struct fetch_row fetch_var_rows[];
extern const struct fetch_row fetch_facts_rows[];
extern const struct fetch_row fetch_hello_rows[];
extern const struct fetch_row fetch_timer_rows[];
extern const struct fetch_row fetch_auth_rows[];
extern const struct fetch_row fetch_ssl_conn_rows[];
extern const struct fetch_row fetch_ssl_cert_rows[];
extern const struct fetch_row fetch_ssl_hello_rows[];
extern const struct conv_row conv_num_rows[];
extern const struct conv_row conv_str_rows[];
extern const struct conv_row conv_code_rows[];
extern const struct conv_row conv_hash_rows[];
extern const struct conv_row conv_misc_rows[];
extern const struct conv_row conv_map_rows[];
extern const struct conv_row conv_var_rows[];
extern const struct conv_row conv_binary_rows[];
extern const struct conv_row conv_debug_rows[];
extern const struct conv_row conv_list_rows[];
extern const struct conv_row conv_digest_rows[];
extern const struct conv_row conv_jwt_rows[];
extern const struct conv_row conv_json_rows[];
extern const struct conv_row conv_proto_rows[];
extern const struct conv_row conv_packet_rows[];
extern const struct conv_row conv_forwarded_rows[];
extern const struct conv_row conv_x509_rows[];
extern const struct conv_row conv_jwe_rows[];
extern const struct conv_row conv_fix_rows[];
extern const struct conv_row conv_mqtt_rows[];

#endif
