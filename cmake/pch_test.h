// Precompiled for every test program, beside what the libraries have.
#include "pch.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
