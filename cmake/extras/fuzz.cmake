# tests/fuzz: what reads a stranger's bytes
ecluse_fuzz(config ecluse_config)
ecluse_fuzz(connection ecluse_gateway)
ecluse_fuzz(http1 ecluse_gateway)
ecluse_fuzz(route ecluse_gateway)
ecluse_fuzz(http2 ecluse_gateway)
ecluse_fuzz(worker ecluse_gateway)
ecluse_fuzz(facts ecluse_preflight)
ecluse_fuzz(repository ecluse_preflight ecluse_preflight_proposal ecluse_config)
