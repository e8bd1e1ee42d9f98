pkg_check_modules(GNUTLS REQUIRED IMPORTED_TARGET gnutls)
target_sources(test_delivery_delivery PRIVATE "${CMAKE_CURRENT_SOURCE_DIR}/support/smtp_server.c")
target_link_libraries(test_delivery_delivery PRIVATE PkgConfig::GNUTLS Threads::Threads)
