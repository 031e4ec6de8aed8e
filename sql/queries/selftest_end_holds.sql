-- Whatever a vendor's answers asked us to wait for is over.
UPDATE request_hold SET until = now()
