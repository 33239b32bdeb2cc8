/*
 * banned.h: calls that bite, turned into errors at compile time. Included before every C file.
 * Each has a better neighbour in base: buf, arena, str, time.
 */
#pragma once

#ifndef __cplusplus
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#pragma GCC poison strcpy strcat strncpy strncat sprintf vsprintf strtok gets
#pragma GCC poison localtime gmtime ctime asctime mktime localtime_r
#pragma GCC poison system popen rand srand atoi atol
#endif
