pkg_check_modules(GNUTLS REQUIRED IMPORTED_TARGET gnutls)
target_sources(test_delivery_chaos PRIVATE
  "${CMAKE_CURRENT_SOURCE_DIR}/support/smtp_server.c"
  "${CMAKE_CURRENT_SOURCE_DIR}/support/outbox_site.c")
target_link_libraries(test_delivery_chaos PRIVATE PkgConfig::GNUTLS Threads::Threads)
