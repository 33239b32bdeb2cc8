/* version.h: what this program is called and which one it is. */
#pragma once

#define MAINSTAY_VERSION "0.1.0"
